/**
 * Short messages at the top of a page, read out by screen readers: `#said` is a region of role status,
 * `#failed` one of role alert.
 */
import { byId, element } from './dom.js';

const SHOWN_MS = 6000;
let timer;

function put(region, className, text) {
    region.replaceChildren(...(text ? [element('p', { className }, text)] : []));
}

/** Says that something went well; it disappears by itself. */
export function say(text) {
    clearTimeout(timer);
    put(byId('failed'), '', '');
    put(byId('said'), 'notice', text);
    timer = setTimeout(() => put(byId('said'), '', ''), SHOWN_MS);
}

/** Says that something went wrong; it stays until something else is said. '' takes it away. */
export function warn(text) {
    put(byId('said'), '', '');
    put(byId('failed'), 'notice bad', text);
}
