/** A node of a syntax tree as the parser prints it: members by their names, absent where they have their default. */
export type Tree = Readonly<Record<string, unknown>>;

const none: Tree = {};

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns a member that is a tree; an empty tree if it is absent. */
export function tree(value: unknown): Tree {
  return isTree(value) ? value : none;
}

/** Returns the elements of a list; none if it is absent. */
export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Returns a text; an empty one if it is absent. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Splits a node with its type, `{ Type: { … } }`, into type and members. The type is empty if there is no node. */
export function typed(node: unknown): readonly [type: string, members: Tree] {
  if (isTree(node)) {
    for (const type in node) {
      return [type, tree(node[type])];
    }
  }
  return ['', none];
}

/** Returns the members of a node if it has this type; null if not. */
export function ofType(node: unknown, type: string): Tree | null {
  return isTree(node) && isTree(node[type]) ? node[type] : null;
}

/** Returns the texts of a list of names. What is no text is left out. */
export function names(nodes: unknown): readonly string[] {
  return list(nodes).flatMap((node) => {
    const text = ofType(node, 'String');
    return text === null ? [] : [textOf(text['sval'])];
  });
}

/** Returns whether a node is the name of this column, without the name of a table. */
export function isColumn(node: unknown, column: string): boolean {
  const fields = list(ofType(node, 'ColumnRef')?.['fields']);
  return fields.length === 1 && names(fields)[0] === column;
}

/** Returns the text of a constant; null if the node is no constant text. A cast to a type does not matter. */
export function constantText(node: unknown): string | null {
  const cast = ofType(node, 'TypeCast');
  if (cast !== null) {
    return constantText(cast['arg']);
  }
  const constant = ofType(node, 'A_Const');
  return constant !== null && isTree(constant['sval']) ? textOf(constant['sval']['sval']) : null;
}

/** Returns the number of a constant; null if the node is no constant number. */
export function constantNumber(node: unknown): number | null {
  const constant = ofType(node, 'A_Const');
  if (constant === null || !isTree(constant['ival'])) {
    return null;
  }
  const { ival = 0 } = constant['ival'];
  return typeof ival === 'number' ? ival : null;
}
