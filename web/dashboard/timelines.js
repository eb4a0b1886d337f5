/** The timelines: where they are, their controls, a new one, and what is planned for them. */
import { byId, element, keepList, setState, setText } from '../lib/dom.js';
import { clockText, speedText } from '../lib/format.js';
import { ask, numberOf, textOf } from './forms.js';

/** Ticks per second of "90000" or "30000/1001". */
export function rateOf(text) {
    const [ticks, seconds = 1] = text.split('/').map(Number);
    return ticks / seconds;
}

/** Where a timeline is at a time of the wall clock, in ticks. */
export function ticksAt(timeline, wallNs) {
    const sinceS = (wallNs - timeline.wall_clock_ns) / 1e9;
    return timeline.position_ticks + sinceS * timeline.effective_speed * rateOf(timeline.tick_rate);
}

function pathOf(name) {
    return `/timelines/${encodeURIComponent(name)}`;
}

function rowOf(board, name, openDialog) {
    let timeline;
    const cells = {
        position: element('td', { 'data-label': 'Position', className: 'number' }),
        speed: element('td', { 'data-label': 'Speed' }),
        selector: element('td', { 'data-label': 'Selector' }),
        rate: element('td', { 'data-label': 'Ticks/s' }),
    };
    const state = element('span');
    const selector = element('code');
    cells.selector.append(selector);
    const toggle = element('button', { type: 'button', className: 'small' });
    const more = element('button', { type: 'button', className: 'small' }, 'Change…');
    more.setAttribute('aria-label', `Change timeline ${name}`);
    more.addEventListener('click', () => openDialog(timeline));
    toggle.addEventListener('click', () => {
        const speed = timeline.speed === 0 ? 1 : 0;
        board.act(speed ? `${name} plays.` : `${name} is paused.`, () =>
            board.api.request('PATCH', pathOf(name), { speed }),
        );
    });
    const node = element(
        'tr',
        {},
        element('th', { scope: 'row' }, name),
        cells.position,
        cells.speed,
        cells.selector,
        cells.rate,
        element('td', { 'data-label': 'State' }, state),
        element('td', {}, element('div', { className: 'row' }, toggle, more)),
    );
    return {
        node,
        update(now) {
            timeline = now;
            toggle.disabled = board.owned;
            more.disabled = board.owned;
            setText(cells.speed, speedText(now.effective_speed));
            setText(selector, now.selector);
            setText(cells.rate, now.tick_rate);
            setState(state, now.available ? 'good' : 'bad', now.available ? 'available' : 'unavailable');
            setText(toggle, now.speed === 0 ? 'Play' : 'Pause');
            toggle.setAttribute('aria-label', `${toggle.textContent} timeline ${name}`);
        },
        tick(wallNs) {
            const ticks = ticksAt(timeline, wallNs);
            setText(cells.position, clockText(ticks / rateOf(timeline.tick_rate), 1));
        },
    };
}

function wordsOf({ change }) {
    return Object.entries(change)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ');
}

function scheduledRow(board, { id }) {
    const text = element('span', { className: 'number' });
    const cancel = element('button', { type: 'button', className: 'small' }, 'Cancel');
    cancel.setAttribute('aria-label', `Cancel planned change ${id}`);
    cancel.addEventListener('click', () =>
        board.act('Cancelled.', () => board.api.request('DELETE', `/scheduled/${id}`)),
    );
    return {
        node: element('li', { className: 'row middle spread' }, text, cancel),
        update(item) {
            const inS = (item.at_ns - board.wallNs()) / 1e9;
            setText(text, `in ${clockText(inS, 0)}: ${item.timeline ?? 'all'}: ${wordsOf(item)}`);
        },
    };
}

/* Seconds, none for not stated, or nothing for as it is. */
function accuracyTyped() {
    const text = textOf('change-accuracy');
    if (text === undefined) return undefined;
    return text === 'none' ? null : Number(text);
}

async function changeByDialog(board, { name }) {
    const dialog = byId('timeline-dialog');
    setText(byId('timeline-title'), `Timeline ${name}`);
    const answer = await ask(dialog);
    if (answer === 'remove') {
        board.act(`${name} is removed.`, () => board.api.request('DELETE', pathOf(name)));
    } else if (answer === 'change') {
        const available = byId('change-available').value;
        const body = {
            speed: numberOf('change-speed'),
            seek_s: numberOf('change-seek'),
            position_ticks: numberOf('change-position'),
            in_s: numberOf('change-in'),
            accuracy_s: accuracyTyped(),
            available: available === '' ? undefined : available === 'true',
        };
        board.act(`${name} is changed.`, () => board.api.request('PATCH', pathOf(name), body));
    }
}

function newTimeline() {
    return {
        name: textOf('timeline-name'),
        selector: textOf('timeline-selector'),
        tick_rate: textOf('timeline-rate'),
        position_ticks: numberOf('timeline-position'),
        speed: numberOf('timeline-speed'),
        accuracy_s: numberOf('timeline-accuracy'),
    };
}

export function timelinesPart(board) {
    const rows = new Map();
    const body = byId('timelines');

    byId('timeline-form').addEventListener('submit', async (event) => {
        event.preventDefault();
        const done = await board.act('The timeline is added.', () =>
            board.api.request('POST', '/timelines', newTimeline()),
        );
        if (done) event.target.reset();
    });

    return {
        update({ status, scheduled }) {
            keepList(body, status.timelines, {
                key: ({ name }) => name,
                make: ({ name }) => {
                    const row = rowOf(board, name, (timeline) => changeByDialog(board, timeline));
                    rows.set(name, row);
                    return row;
                },
            });
            for (const name of rows.keys())
                if (!status.timelines.some((timeline) => timeline.name === name)) rows.delete(name);
            byId('timeline-add').hidden = board.owned;
            byId('no-timelines').hidden = status.timelines.length > 0;
            keepList(byId('scheduled'), scheduled, {
                key: ({ id }) => String(id),
                make: (item) => scheduledRow(board, item),
            });
            byId('scheduled-part').hidden = scheduled.length === 0;
        },
        tick(wallNs) {
            for (const row of rows.values()) row.tick(wallNs);
        },
    };
}
