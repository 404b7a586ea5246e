import {
  Checkbox,
  Field,
  Input,
  makeStyles,
  Option,
  Dropdown,
  Select,
  tokens,
} from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { projectQuery } from "@/api/queries";
import type { ExportFormat, ExportRequest } from "@/api/types";
import { formatPercent } from "@/format";

type Options = ExportRequest["options"];

/** What a person chose; `name` is a new name for the class `renamed`. */
export interface Chosen {
  datastore: string;
  val: number;
  test: number;
  classes: readonly string[];
  names: Readonly<Record<string, string>>;
  path: string;
  labelers: readonly string[];
  since: string;
  flat: boolean;
  list: boolean;
}

/** Nothing left out, a fifth for validation. */
export const everything: Chosen = {
  datastore: "",
  val: 0.2,
  test: 0,
  classes: [],
  names: {},
  path: "",
  labelers: [],
  since: "",
  flat: false,
  list: false,
};

/** What is asked for: of what was chosen, that which the format heeds. */
export function optionsOf(chosen: Chosen, format: ExportFormat): Options {
  const heeds = (name: ExportFormat["options"][number]) => format.options.includes(name);
  const names = Object.entries(chosen.names).filter(([, name]) => name.trim());
  return {
    datastore: heeds("datastore") ? chosen.datastore.trim() : "",
    split:
      heeds("split") && chosen.val + chosen.test > 0
        ? { val: chosen.val, test: chosen.test, seed: "" }
        : null,
    classes: heeds("classes") ? [...chosen.classes] : [],
    rename: heeds("rename") ? Object.fromEntries(names) : {},
    path: heeds("path") ? chosen.path.trim() : "",
    labelers: heeds("labelers") ? [...chosen.labelers] : [],
    since: heeds("since") && chosen.since ? new Date(`${chosen.since}T00:00`).toISOString() : null,
    flat: heeds("flat") && chosen.flat,
    images: heeds("images") && chosen.list ? "links" : "none",
  };
}
