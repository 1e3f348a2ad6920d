/** Elements without a framework: `h` makes them, `replace` swaps what is inside one, `byId` finds what index.html promises. */

type Child = Node | string | undefined;

interface Props {
  readonly class?: string;
  readonly text?: string;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  /** Attributes; `true` sets one without a value, `false` leaves it out. */
  readonly attr?: Readonly<Record<string, string | number | boolean>>;
  readonly style?: Readonly<Record<string, string>>;
}

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props: Props = {}, ...children: readonly Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props.class !== undefined) element.className = props.class;
  if (props.text !== undefined) element.textContent = props.text;
  for (const [name, value] of Object.entries(props.attr ?? {})) {
    if (value !== false) element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [name, value] of Object.entries(props.style ?? {})) element.style.setProperty(name, value);
  for (const [name, listener] of Object.entries(props.on ?? {})) element.addEventListener(name, listener);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

export function replace(parent: Element, ...children: readonly Child[]): void {
  parent.replaceChildren(...children.filter((child) => child !== undefined));
}

/** Throws if index.html has no such element of that kind: a mistake of ours, found by the first test that opens the page. */
export function byId<T extends Element>(id: string, kind: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} with id '${id}'`);
  return element;
}

/** A colour of the style sheet, as the theme has it now. */
export const themeColor = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
