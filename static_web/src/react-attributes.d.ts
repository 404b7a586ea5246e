import "react";

declare module "react" {
  interface InputHTMLAttributes<T> {
    /** Choose a folder; every browser knows it, no standard does. */
    webkitdirectory?: T extends HTMLInputElement ? string : never;
  }
}
