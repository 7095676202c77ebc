/** XMP packets: read into plain properties, and written again (ISO 16684-1, sections 6 and 7). */

import type { Element, Node } from '@xmldom/xmldom';

export type XmpValue =
  | { readonly kind: 'text'; readonly text: string; readonly language?: string }
  | {
      readonly kind: 'list';
      readonly form: 'Bag' | 'Seq' | 'Alt';
      readonly items: readonly XmpValue[];
    }
  | { readonly kind: 'struct'; readonly fields: readonly XmpProperty[] };

export interface XmpProperty {
  readonly namespace: string;
  readonly prefix: string;
  readonly name: string;
  readonly value: XmpValue;
}

const rdf = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#';
const xml = 'http://www.w3.org/XML/1998/namespace';
const xmlns = 'http://www.w3.org/2000/xmlns/';

/** Larger packets hold the history of an editor or masks, and are not worth the risk. */
const packetBytesMax = 1 << 20;
const textLengthMax = 20_000;
const propertiesMax = 2000;
const depthMax = 8;
/** Elements inside each other in the XML itself; a parser and its tree need stack for them. */
const xmlDepthMax = 64;

const properName = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/**
 * The properties of a packet.
 * @returns nothing for what is no well-formed packet, declares entities, or is too large or too deep
 */
export async function readXmp(packet: Uint8Array): Promise<XmpProperty[]> {
  if (packet.byteLength > packetBytesMax) return [];
  const text = Buffer.from(packet).toString('utf8').replaceAll('\0', '');
  const start = text.indexOf('<');
  if (start < 0 || /<!(DOCTYPE|ENTITY)/i.test(text) || isTooDeep(text)) return [];
  const { DOMParser } = await import('@xmldom/xmldom');
  try {
    const parser = new DOMParser({
      onError: (level, message) => {
        if (level !== 'warning') throw new Error(message);
      },
    });
    const document = parser.parseFromString(text.slice(start), 'text/xml');
    const budget = { left: propertiesMax };
    return [...document.getElementsByTagNameNS(rdf, 'RDF')]
      .slice(0, 1)
      .flatMap((root) => elementsOf(root))
      .filter((element) => isRdf(element, 'Description'))
      .flatMap((description) => fieldsOf(description, budget, 0));
  } catch {
    // No well-formed packet: the picture has none then.
    return [];
  }
}

/** Looks at each character once, unlike a pattern that begins anew at each bracket. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = text.indexOf('<'); at >= 0;) {
    const end = text.indexOf('>', at);
    if (end < 0) return true;
    const isMarkup = text[at + 1] === '!' || text[at + 1] === '?';
    if (text[at + 1] === '/') depth -= 1;
    else if (!isMarkup && text[end - 1] !== '/') depth += 1;
    if (depth > xmlDepthMax) return true;
    at = text.indexOf('<', end);
  }
  return false;
}

interface Budget {
  left: number;
}

const isElement = (node: Node): node is Element => node.nodeType === 1;
const elementsOf = (element: Element): Element[] => [...element.childNodes].filter(isElement);
const isRdf = (element: Element, ...names: string[]): boolean =>
  element.namespaceURI === rdf && names.includes(element.localName ?? '');

/** Properties written as attributes or as elements. */
function fieldsOf(element: Element, budget: Budget, depth: number): XmpProperty[] {
  const fields: XmpProperty[] = [];
  const add = (
    node: { namespaceURI: string | null; localName: string | null; prefix: string | null },
    value: XmpValue | undefined,
  ): void => {
    const { namespaceURI: namespace, localName: name, prefix } = node;
    if (value === undefined || namespace === null || name === null) return;
    if (budget.left <= 0 || !properName.test(name)) return;
    budget.left -= 1;
    fields.push({ namespace, prefix: prefix ?? '', name, value });
  };
  for (const attribute of element.attributes) {
    const { namespaceURI } = attribute;
    if (namespaceURI === null || [rdf, xml, xmlns].includes(namespaceURI)) continue;
    add(attribute, textValue(attribute.value));
  }
  for (const child of elementsOf(element)) {
    if (child.namespaceURI !== rdf) add(child, valueOf(child, budget, depth + 1));
  }
  return fields;
}

function textValue(text: string, language?: string | null): XmpValue | undefined {
  if (text.length > textLengthMax) return undefined;
  return {
    kind: 'text',
    text,
    ...(language === undefined || language === null || language === '' ? {} : { language }),
  };
}

function valueOf(element: Element, budget: Budget, depth: number): XmpValue | undefined {
  if (depth > depthMax) return undefined;
  const children = elementsOf(element);
  const [child] = children;
  if (child !== undefined && isRdf(child, 'Bag', 'Seq', 'Alt')) {
    const form = child.localName === 'Seq' ? 'Seq' : child.localName === 'Alt' ? 'Alt' : 'Bag';
    const items: XmpValue[] = [];
    for (const item of elementsOf(child)) {
      if (!isRdf(item, 'li') || budget.left <= 0) continue;
      budget.left -= 1;
      const value = valueOf(item, budget, depth + 1);
      if (value !== undefined) items.push(value);
    }
    return { kind: 'list', form, items };
  }
  if (child !== undefined && isRdf(child, 'Description')) {
    return { kind: 'struct', fields: fieldsOf(child, budget, depth) };
  }
  const isResource = element.getAttributeNS(rdf, 'parseType') === 'Resource';
  const ownFields = [...element.attributes].some(
    ({ namespaceURI }) => namespaceURI !== null && ![rdf, xml, xmlns].includes(namespaceURI),
  );
  if (isResource || ownFields) return { kind: 'struct', fields: fieldsOf(element, budget, depth) };
  if (child !== undefined) return undefined;
  const address = element.getAttributeNS(rdf, 'resource');
  const text = address === null || address === '' ? (element.textContent ?? '') : address;
  return textValue(text, element.getAttributeNS(xml, 'lang'));
}

/** Later properties take the place of earlier ones of the same name. */
export function joinXmp(...packets: (readonly XmpProperty[])[]): XmpProperty[] {
  const joined = new Map<string, XmpProperty>();
  for (const property of packets.flat()) {
    joined.set(`${property.namespace} ${property.name}`, property);
  }
  return [...joined.values()];
}

/** A packet of one description, read-only by its wrapper; undefined where there is nothing to say. */
export function writeXmp(properties: readonly XmpProperty[]): Uint8Array | undefined {
  if (properties.length === 0) return undefined;
  const prefixes = new Prefixes();
  const body = properties.map((property) => writeProperty(property, prefixes)).join('\n');
  const declared = prefixes.declarations().join(' ');
  return new TextEncoder().encode(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n` +
      `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="${rdf}">` +
      `<rdf:Description rdf:about="" ${declared}>\n${body}\n` +
      `</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="r"?>`,
  );
}

/** One prefix for each namespace: the packet's own where it is free, else a new one. */
class Prefixes {
  readonly #byNamespace = new Map<string, string>();

  of({ namespace, prefix }: XmpProperty): string {
    const known = this.#byNamespace.get(namespace);
    if (known !== undefined) return known;
    const taken = new Set(['rdf', 'x', 'xml', 'xmlns', ...this.#byNamespace.values()]);
    const isFree = properName.test(prefix) && !taken.has(prefix);
    const chosen = isFree ? prefix : `ns${this.#byNamespace.size + 1}-`;
    this.#byNamespace.set(namespace, chosen);
    return chosen;
  }

  declarations(): string[] {
    return [...this.#byNamespace].map(
      ([namespace, prefix]) => `xmlns:${prefix}="${escaped(namespace)}"`,
    );
  }
}

function escaped(text: string): string {
  return (
    text
      // What XML 1.0 cannot hold in any spelling.
      // eslint-disable-next-line no-control-regex -- the very characters that are taken out
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

function writeProperty(property: XmpProperty, prefixes: Prefixes): string {
  return writeElement(`${prefixes.of(property)}:${property.name}`, property.value, prefixes);
}

function writeElement(name: string, value: XmpValue, prefixes: Prefixes): string {
  switch (value.kind) {
    case 'text': {
      const { text, language } = value;
      const tongue = language === undefined ? '' : ` xml:lang="${escaped(language)}"`;
      return `<${name}${tongue}>${escaped(text)}</${name}>`;
    }
    case 'list': {
      const items = value.items.map((item) => writeElement('rdf:li', item, prefixes)).join('');
      return `<${name}><rdf:${value.form}>${items}</rdf:${value.form}></${name}>`;
    }
    case 'struct': {
      const fields = value.fields.map((field) => writeProperty(field, prefixes)).join('');
      return `<${name} rdf:parseType="Resource">${fields}</${name}>`;
    }
  }
}
