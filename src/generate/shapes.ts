/** The type of some data, as every language has it in one way or another. */
export type Shape = { readonly place: string } & (
  | { readonly kind: "any" | "null" | "boolean" | "string" | "integer" | "number" | "bytes" }
  | { readonly kind: "constant"; readonly value: Scalar }
  | { readonly kind: "named"; readonly type: NamedType }
  | { readonly kind: "list"; readonly items: Shape }
  | { readonly kind: "tuple"; readonly items: readonly Shape[] }
  | { readonly kind: "map"; readonly values: Shape }
  | { readonly kind: "nullable"; readonly inner: Shape }
  | { readonly kind: "either"; readonly shapes: readonly Shape[] }
);

export type Scalar = string | number | boolean;

/** What gets a name of its own in generated code. */
export type NamedType = ObjectType | EnumType | UnionType;

interface Named {
  readonly name: string;
  readonly description: string | undefined;
  /** Of the first schema that it is made of. */
  readonly place: string;
}

export interface ObjectType extends Named {
  readonly kind: "object";
  /** Filled while it is read: an object may stand in itself. */
  readonly properties: Property[];
}

export interface EnumType extends Named {
  readonly kind: "enum";
  readonly values: readonly Scalar[];
}

/** Objects that are told apart by the text that each has at the same key. */
export interface UnionType extends Named {
  readonly kind: "union";
  readonly tag: string;
  readonly variants: readonly { readonly value: string; readonly type: ObjectType }[];
}

export interface Property {
  readonly key: string;
  readonly shape: Shape;
  readonly isRequired: boolean;
  readonly description: string | undefined;
}
