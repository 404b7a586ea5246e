/** E-mail addresses out of what somebody typed or pasted: one a line, or with commas or spaces between. */

export interface Addresses {
  /** Each once, as they were written first. */
  good: string[];
  /** What is no address. */
  bad: string[];
}

// As the API judges them.
const ADDRESS = /^[^@\s]+@[^@\s]+$/;

export function parseAddresses(text: string): Addresses {
  const parts = text.split(/[\s,;]+/).filter(Boolean);
  const written = parts.map((part) => /^<(.*)>$/.exec(part)?.[1] ?? part);
  const good = new Map<string, string>();
  for (const one of written)
    if (ADDRESS.test(one) && !good.has(one.toLowerCase())) good.set(one.toLowerCase(), one);
  return { good: [...good.values()], bad: written.filter((one) => !ADDRESS.test(one)) };
}
