// The differences of two JSON values, field by field. The server has its own for what it compares.

import type { Change, Json } from "./api";
import { isObject } from "./messages";

const NAME = /^[A-Za-z_]\w*$/;

/** Return where *left* and *right* differ. */
export function differences(left: Json | undefined, right: Json | undefined, path = ""): Change[] {
  if (Array.isArray(left) && Array.isArray(right))
    return Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
      differences(left[index], right[index], `${path}[${index}]`),
    ).flat();
  if (isObject(left) && isObject(right))
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((key) =>
      differences(left[key], right[key], join(path, key)),
    );
  return JSON.stringify(left) === JSON.stringify(right) ? [] : [{ path, left, right }];
}

const join = (path: string, key: string) =>
  NAME.test(key) ? (path ? `${path}.${key}` : key) : `${path}[${JSON.stringify(key)}]`;
