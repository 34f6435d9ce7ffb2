/** What values from the kernel must be: checks, put together of smaller ones. */

export type Check = (value: unknown) => boolean;
/** Of each field. */
export type Checks = Record<string, Check>;

export const isIndex: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
export const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
export const isFlag: Check = (value) => typeof value === "boolean";
export const isText: Check = (value) => typeof value === "string";
export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
export const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i]));
export const oneOf =
  (...values: unknown[]): Check =>
  (value) =>
    values.includes(value);
export const record =
  (checks: Checks): Check =>
  (value) =>
    typeof value === "object" && value !== null && wrongField(value, checks) === null;

/** The name of a field that fails its check, or null. */
export function wrongField(value: object, checks: Checks): string | null {
  const fields = value as Record<string, unknown>;
  return Object.keys(checks).find((name) => !checks[name]?.(fields[name])) ?? null;
}
