/** What classes ask of each of their annotations besides, and what was answered. */
import type { Annotation, Attribute, LabelClass } from "@/api/types";

export type AttributeValue = Annotation["attributes"][string];

/** What a class asks for. */
export function attributesOf(classes: readonly LabelClass[], classId: string): Attribute[] {
  return classes.find((one) => one.class_id === classId)?.attributes ?? [];
}

/** Whether an attribute can have a value. */
export function takes(attribute: Attribute, value: AttributeValue): boolean {
  if (attribute.kind === "choice")
    return typeof value === "string" && attribute.choices.includes(value);
  const kinds = { number: "number", yes_no: "boolean", text: "string" } as const;
  return typeof value === kinds[attribute.kind];
}

/** The values of an annotation that its class takes. Work kept by an older page has none. */
export function valuesOf(
  one: Annotation,
  attributes: readonly Attribute[],
): Annotation["attributes"] {
  const said = Object.entries((one.attributes as Annotation["attributes"] | undefined) ?? {});
  return Object.fromEntries(
    said.filter(([name, value]) =>
      attributes.some((each) => each.name === name && takes(each, value)),
    ),
  );
}

/** The first required attribute of an annotation that nobody has said. */
export function missingOf(
  one: Annotation,
  attributes: readonly Attribute[],
): Attribute | undefined {
  const said = valuesOf(one, attributes);
  return attributes.find((each) => each.required && !(each.name in said));
}

/** The annotations without values that their classes don't take, as after another class was chosen; null: all do. */
export function fittingAttributes(
  annotations: readonly Annotation[],
  classes: readonly LabelClass[],
): Annotation[] | null {
  const fit = annotations.map((one) => {
    const attributes = valuesOf(one, attributesOf(classes, one.class_id));
    const all = Object.keys(attributes).length === Object.keys(one.attributes).length;
    return all ? one : { ...one, attributes };
  });
  return fit.some((one, at) => one !== annotations[at]) ? fit : null;
}

/** An annotation of which something is said, or no longer. */
export function saying(
  one: Annotation,
  name: string,
  value: AttributeValue | undefined,
): Annotation {
  const others = Object.entries(one.attributes).filter(([other]) => other !== name);
  const said = value === undefined ? others : [...others, [name, value] as const];
  return { ...one, attributes: Object.fromEntries(said) };
}

/** The same value of all, or undefined. */
export function sharedValue(
  annotations: readonly Annotation[],
  attribute: Attribute,
): AttributeValue | undefined {
  const [first, ...others] = annotations.map((one) => valuesOf(one, [attribute])[attribute.name]);
  return others.every((one) => one === first) ? first : undefined;
}
