// The differences of two JSON values, field by field. The server has its own for what it compares.

import type { Difference, Json } from "./api";
import { isObject } from "./messages";

const NAME = /^[A-Za-z_]\w*$/;

/** Return what differs: *left* is the one that was `sent`, *right* the `recorded` one. */
export function differences(
  left: Json | undefined,
  right: Json | undefined,
  path = "",
): Difference[] {
  if (Array.isArray(left) && Array.isArray(right))
    return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
      differences(left[index], right[index], `${path}[${index}]`),
    ).flat();
  if (isObject(left) && isObject(right))
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
      differences(left[key], right[key], join(path, key)),
    );
  return JSON.stringify(left) === JSON.stringify(right)
    ? []
    : [{ path, sent: left, recorded: right }];
}

const join = (path: string, key: string) =>
  NAME.test(key) ? (path ? `${path}.${key}` : key) : `${path}[${JSON.stringify(key)}]`;
