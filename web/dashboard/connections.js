/** Who is connected, what they asked for and what they reported. */
import { byId, element, keepList, setText } from '../lib/dom.js';
import { bytesText, clockText, differenceText, spanText } from '../lib/format.js';
import { ask, numberOf, textOf } from './forms.js';
import { rateOf, ticksAt } from './timelines.js';

const OTHERS = { wc_ws: 'the time', compat_wc: 'the time', page: 'to be the television' };

function partnerText({ partner }) {
    return partner ? `paired with ${partner}` : 'waiting';
}

function askedText({ endpoint, ts, cii, app2app }) {
    if (cii) return cii.up_to_date ? 'content and endpoints' : 'content; has not got it all yet';
    if (app2app) return `${app2app.side} side of ${app2app.name}, ${partnerText(app2app)}`;
    if (!ts) return OTHERS[endpoint] ?? '–';
    if (!ts.asked_for) return 'nothing yet';
    const { timeline_selector: selector, content_id_stem: stem } = ts.asked_for;
    const what = stem ? `${selector}, content ${stem}` : selector;
    return ts.state === 'available' ? what : `${what} (${ts.state})`;
}

/** The difference between what a companion says it presents and the timeline, in s; NaN if it cannot
 * be told. */
function differenceOf(point, timeline) {
    if (typeof point.wall_clock_time_ns !== 'number') return NaN;
    const ticks = point.content_time_ticks - ticksAt(timeline, point.wall_clock_time_ns);
    return ticks / rateOf(timeline.tick_rate);
}

/* How far a companion could move: nothing if it said that it can be anywhere. */
function rangeText({ earliest, latest }, timeline) {
    const ends = [
        ['earliest', earliest],
        ['latest', latest],
    ];
    return ends
        .map(([name, point]) => [name, -differenceOf(point, timeline)])
        .filter(([, seconds]) => Number.isFinite(seconds))
        .map(([name, seconds]) => `, ${name} ${differenceText(seconds)}`)
        .join('');
}

function reportedText({ ts }, timelines) {
    if (!ts?.reported) return '–';
    const timeline = timelines.find(({ selector }) => selector === ts.asked_for?.timeline_selector);
    if (!timeline) return 'for a timeline that is not there';
    const range = rangeText(ts.reported, timeline);
    const { actual } = ts.reported;
    if (!actual) return `what it can do${range || ': anything'}`;
    const seconds = actual.content_time_ticks / rateOf(timeline.tick_rate);
    const off = differenceText(differenceOf(actual, timeline));
    return `at ${clockText(seconds, 1)}, off by ${off}${range}`;
}

function trafficText({ traffic }) {
    const bytes = bytesText(traffic.bytes_out + traffic.bytes_in);
    const text = `${traffic.messages_out} out, ${traffic.messages_in} in, ${bytes}`;
    const waiting = traffic.queued_messages > 0 ? `, ${traffic.queued_messages} waiting` : '';
    return `${text}${waiting}${traffic.dropped > 0 ? `, ${traffic.dropped} dropped` : ''}`;
}

async function closeByDialog(board, id) {
    setText(byId('close-title'), `Close ${id}`);
    if ((await ask(byId('close-dialog'))) !== 'close') return;
    const body = { code: numberOf('close-code'), reason: textOf('close-reason') };
    board.act(`${id} is closed.`, () =>
        board.api.request('POST', `/connections/${encodeURIComponent(id)}/close`, body),
    );
}

function rowOf(board, { id }) {
    const cell = (label) => element('td', { 'data-label': label });
    const cells = {
        address: cell('Address'),
        age: cell('Since'),
        asked: cell('Asked for'),
        reported: cell('Reported'),
        traffic: cell('Messages'),
    };
    cells.asked.className = 'breakable';
    const close = element('button', { type: 'button', className: 'small' }, 'Close…');
    close.setAttribute('aria-label', `Close ${id}`);
    close.addEventListener('click', () => closeByDialog(board, id));
    return {
        node: element(
            'tr',
            {},
            element('th', { scope: 'row' }, id),
            ...Object.values(cells),
            element('td', {}, close),
        ),
        update({ connection, timelines }) {
            setText(cells.address, connection.address);
            setText(cells.age, spanText(connection.age_s));
            setText(cells.asked, askedText(connection));
            setText(cells.reported, reportedText(connection, timelines));
            setText(cells.traffic, trafficText(connection));
        },
    };
}

export function connectionsPart(board) {
    return {
        update({ status, connections }) {
            const items = connections.map((connection) => ({
                id: connection.id,
                connection,
                timelines: status.timelines,
            }));
            keepList(byId('connections'), items, {
                key: ({ id }) => id,
                make: (item) => rowOf(board, item),
            });
            byId('no-connections').hidden = items.length > 0;
            setText(byId('companion-count'), items.length === 1 ? '1 connection' : `${items.length} connections`);
        },
    };
}
