/** Who watches along, and where they say they are. */
import { byId, element, keepList, setText } from '../lib/dom.js';
import { clockText, differenceText } from '../lib/format.js';

function askedText({ id, asked }) {
    if (!asked) return id.startsWith('cii') ? 'content and endpoints' : 'nothing yet';
    return asked.timelineSelector;
}

/* What a companion reported, against the line that it was told; NaN where that cannot be said. */
function reportOf({ reported }, timelines, teller) {
    const rate = timelines.get(reported?.timelineSelector);
    if (!rate || !reported.actual) return { positionS: NaN, differenceS: NaN };
    const positionS = Number(reported.actual.contentTime) / rate;
    const wallNs = Number(reported.actual.wallClockTime);
    const comparable = wallNs >= teller.sinceNs;
    return {
        positionS,
        differenceS: comparable ? positionS - teller.positionAt(wallNs) : NaN,
    };
}

function rowOf({ id }) {
    const cell = (label) => element('td', { 'data-label': label });
    const cells = {
        address: cell('Address'),
        asked: cell('Asked for'),
        position: cell('Reports to be at'),
        difference: cell('Difference'),
    };
    cells.asked.className = 'breakable';
    return {
        node: element('tr', {}, element('th', { scope: 'row' }, id), ...Object.values(cells)),
        update({ address, asked, positionS, differenceS }) {
            setText(cells.address, address ?? '–');
            setText(cells.asked, asked);
            setText(cells.position, clockText(positionS, 1));
            setText(cells.difference, differenceText(differenceS));
        },
    };
}

function countText(count) {
    if (count === 0) return 'nobody';
    return count === 1 ? '1 connection' : `${count} connections`;
}

/**
 * Shows the companions of a channel.
 *
 * @param {Map<string, object>} companions by id
 * @param {Map<string, number>} timelines ticks per second by selector
 * @param {LineTeller} teller
 */
export function showCompanions(companions, timelines, teller) {
    const items = [...companions.values()].map((companion) => ({
        id: companion.id,
        address: companion.address,
        asked: askedText(companion),
        ...reportOf(companion, timelines, teller),
    }));
    keepList(byId('companions'), items, { key: ({ id }) => id, make: rowOf });
    byId('companion-table').hidden = items.length === 0;
    byId('no-companions').hidden = items.length > 0;
    setText(byId('companion-count'), countText(items.length));
}
