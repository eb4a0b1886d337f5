/**
 * Small helpers for pages: elements, texts that change often, lists that stay in step with data.
 */

/** The element of this id. */
export function byId(id) {
    return document.getElementById(id);
}

/**
 * Makes an element.
 *
 * @param {string} tag
 * @param {object} [properties] properties of the element; `data-` and `aria-` names, `role` and `for`
 *     are set as attributes, `on` is an object of event listeners
 * @param {...(Node|string)} children
 */
export function element(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
        if (name === 'on') {
            for (const [type, listener] of Object.entries(value)) made.addEventListener(type, listener);
        } else if (/^(data-|aria-)|^(role|for|scope)$/.test(name)) {
            made.setAttribute(name, value);
        } else {
            made[name] = value;
        }
    }
    made.append(...children);
    return made;
}

/** Sets a text if it is another one, so that nothing is drawn or read out in vain. */
export function setText(node, text) {
    const wanted = String(text);
    if (node.textContent !== wanted) node.textContent = wanted;
}

/** Shows a state as a word with a coloured dot: `good`, `warn`, `bad` or '' for neither. */
export function setState(node, kind, text) {
    node.className = `state ${kind}`.trim();
    setText(node, text);
}

/**
 * Keeps the children of a parent in step with a list. A child lives as long as its item's key does,
 * with its focus and what was typed into it.
 *
 * @param {Element} parent
 * @param {object[]} items
 * @param {object} options
 * @param {(item: object) => string} options.key
 * @param {(item: object) => {node: Element, update: (item: object) => void}} options.make
 */
export function keepList(parent, items, { key, make }) {
    const known = (parent.kept ??= new Map());
    const wanted = new Set(items.map(key));
    for (const [name, { node }] of known) {
        if (!wanted.has(name)) {
            node.remove();
            known.delete(name);
        }
    }
    let before = parent.firstElementChild;
    for (const item of items) {
        const name = key(item);
        if (!known.has(name)) known.set(name, make(item));
        const { node, update } = known.get(name);
        if (node === before) before = before.nextElementSibling;
        else parent.insertBefore(node, before);
        update(item);
    }
}

/** Fills a list of names and values: pairs of [name, text]. */
export function setFacts(list, facts) {
    const pairs = facts.map(([name, text]) => ({ name, text }));
    keepList(list, pairs, {
        key: ({ name }) => name,
        make: ({ name }) => {
            const value = element('dd');
            const node = element('div', { className: 'fact' }, element('dt', {}, name), value);
            return { node, update: ({ text }) => setText(value, text) };
        },
    });
}
