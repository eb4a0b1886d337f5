/** Live charts, and what was refused or dropped. */
import { LineChart } from '../charts.js';
import { byId, element, keepList, setText } from '../lib/dom.js';
import { Change, readMetrics, total } from '../lib/metrics.js';

const ms = (seconds) => (seconds === null ? null : seconds * 1000);

/* Every chart: its looks, and its values of what happened since the last look. */
const CHARTS = [
    {
        title: 'Wall clock: requests',
        unit: '/s',
        series: ['over UDP', 'over WebSocket', 'dropped'],
        ceiling: 1,
        values: (change) => [
            change.rate('wallclock_answers_total'),
            change.rate('wc_ws_requests_total'),
            change.rate('wallclock_datagrams_total') -
                change.rate('wallclock_datagrams_total', { result: 'answered' }) +
                change.rate('wallclock_kernel_drops_total'),
        ],
    },
    {
        title: 'Fan-out: time to tell a change to all',
        unit: 'ms',
        series: ['CII', 'TS'],
        values: (change) => [
            ms(change.mean('fan_out_seconds', { endpoint: 'cii' })),
            ms(change.mean('fan_out_seconds', { endpoint: 'ts' })),
        ],
    },
    {
        title: 'Messages to companions',
        unit: '/s',
        series: ['CII', 'TS'],
        ceiling: 1,
        values: (change) => [
            change.rate('endpoint_messages_total', { endpoint: 'cii' }),
            change.rate('endpoint_messages_total', { endpoint: 'ts' }),
        ],
    },
    {
        title: 'Connections',
        unit: '',
        series: ['CII', 'TS'],
        ceiling: 5,
        values: ({ now }) => [
            total(now, 'endpoint_connections', { endpoint: 'cii' }),
            total(now, 'endpoint_connections', { endpoint: 'ts' }),
        ],
    },
    {
        title: 'Refused and dropped',
        unit: '/s',
        series: ['refused', 'dropped'],
        ceiling: 1,
        values: (change) => [
            change.rate('refusals_total') + change.rate('api_refusals_total'),
            change.rate('messages_dropped_total'),
        ],
    },
    {
        title: 'Event loop: busy',
        unit: '%',
        series: ['of its time'],
        ceiling: 1,
        values: (change) => [100 * change.rate('loop_busy_seconds_sum')],
    },
];

/* Counters of the listeners that mean that somebody did not get what was meant for them. */
const LOSSES = {
    messages_dropped_total: 'messages replaced or dropped before they were sent',
    queue_overflows_total: 'connections closed: their queue overflowed',
    idle_evictions_total: 'connections closed: no sign of life',
    stall_evictions_total: 'connections closed: nothing was taken',
    header_timeouts_total: 'requests not finished in time',
    accept_failures_total: 'connections not accepted for want of resources',
    api_refusals_total: 'requests refused by the control API',
    endpoint_ignored_total: 'messages of companions ignored',
    page_mistakes_total: 'messages of pages that were wrong',
    page_silences_total: 'pages given up as silent',
    wallclock_kernel_drops_total: 'wall clock: requests dropped by the system',
    wallclock_send_failures_total: 'wall clock: answers that could not be sent',
};

function refusalItems(metrics) {
    const refused = (metrics.get('dvbcss_refusals_total') ?? []).map(({ labels, value }) => ({
        name: `refused: ${labels.reason.replaceAll('_', ' ')} (${labels.listener})`,
        value,
    }));
    const datagrams = (metrics.get('dvbcss_wallclock_datagrams_total') ?? [])
        .filter(({ labels }) => labels.result !== 'answered')
        .map(({ labels, value }) => ({
            name:
                labels.result === 'limited'
                    ? 'wall clock: requests beyond the rate limit'
                    : `wall clock: wrong ${labels.result}`,
            value,
        }));
    const pages = (metrics.get('dvbcss_page_refusals_total') ?? []).map(({ labels, value }) => ({
        name: `page refused: ${labels.reason}`,
        value,
    }));
    const lost = Object.entries(LOSSES).map(([name, words]) => ({
        name: words,
        value: total(metrics, name),
    }));
    return [...refused, ...pages, ...datagrams, ...lost].filter(({ value }) => value > 0);
}

function refusalRow({ name }) {
    const count = element('td');
    return {
        node: element('tr', {}, element('td', {}, name), count),
        update: ({ value }) => setText(count, value.toLocaleString('en')),
    };
}

export function figuresPart() {
    const charts = CHARTS.map((options) => new LineChart(byId('charts'), options));
    let before = null;

    return {
        update({ metrics, atMs }) {
            const now = readMetrics(metrics);
            const change = before && new Change(before, now);
            before = now;
            if (change?.seconds > 0)
                charts.forEach((chart, i) => chart.push(atMs / 1000, CHARTS[i].values(change)));
            const items = refusalItems(now);
            byId('refusal-table').hidden = items.length === 0;
            keepList(byId('refusals'), items, { key: ({ name }) => name, make: refusalRow });
            byId('no-refusals').hidden = items.length > 0;
        },
    };
}
