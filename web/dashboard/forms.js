/** What was typed into forms. */
import { byId } from '../lib/dom.js';

/** The number in an input; undefined if it is empty, so that JSON leaves it out. */
export function numberOf(id) {
    const { value } = byId(id);
    return value === '' ? undefined : Number(value);
}

/** The text in an input; undefined if it is empty. */
export function textOf(id) {
    return byId(id).value.trim() || undefined;
}

/**
 * Opens a dialog whose form says by which button it was closed.
 *
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>} the button's value; 'cancel' for Escape, too
 */
export function ask(dialog) {
    dialog.returnValue = 'cancel';
    dialog.querySelector('form').reset();
    dialog.showModal();
    return new Promise((resolve) => {
        dialog.addEventListener('close', () => resolve(dialog.returnValue || 'cancel'), { once: true });
    });
}
