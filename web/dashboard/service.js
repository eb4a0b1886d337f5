/** The daemon itself: endpoints, programme, configuration, and CII beyond the timelines. */
import { byId, element, keepList, setFacts, setState, setText } from '../lib/dom.js';
import { numberText, spanText } from '../lib/format.js';

function daemonFacts(status) {
    const { wall_clock: wall } = status;
    return [
        ['Version', `dvbcssd ${status.version}`],
        ['Up for', spanText(status.uptime_s)],
        ['Wall clock', wall.url ?? 'not served'],
        ['Precision', `${numberText(wall.precision_s * 1e6)} µs`],
        ['Frequency', `within ${numberText(wall.max_freq_error_ppm)} ppm`],
    ];
}

/* ---- endpoints ---------------------------------------------------------------------------------- */

/** What endpoints are called; others by their names. */
const ENDPOINTS = {
    cii: 'CII',
    ts: 'TS',
    wc_ws: 'Wall clock',
    app2app: 'App2App',
    compat_cii: 'CII by App2App',
    compat_wc: 'Wall clock by App2App',
    compat_ts: 'TS by App2App',
    page: 'Page channel',
};

function endpointRow(board, { name }) {
    const title = ENDPOINTS[name] ?? name;
    const cell = (label) => element('td', { 'data-label': label });
    const path = element('code');
    const count = cell('Connected');
    const state = element('span');
    const toggle = element('button', { type: 'button', className: 'small' });
    const limit = element('input', {
        type: 'number',
        min: '0',
        max: '1000000',
        step: '1',
        placeholder: 'no limit',
        'aria-label': `${title}: connections at most`,
    });
    const set = element('button', { className: 'small' }, 'Set');
    set.setAttribute('aria-label', `Set limit of ${title}`);
    const form = element('form', { className: 'tight' }, limit, set, toggle);
    let endpoint;
    const change = (said, body) =>
        board.act(said, () => board.api.request('PATCH', `/endpoints/${name}`, body));
    toggle.addEventListener('click', () =>
        change(`${title} is ${endpoint.enabled ? 'disabled' : 'enabled'}.`, {
            enabled: !endpoint.enabled,
        }),
    );
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        const max = limit.value === '' ? null : Number(limit.value);
        change(`The limit of ${title} is set.`, { max_connections: max });
    });
    return {
        node: element(
            'tr',
            {},
            element('th', { scope: 'row' }, title),
            element('td', { 'data-label': 'Path' }, path),
            element('td', { 'data-label': 'State' }, state),
            count,
            element('td', { 'data-label': 'At most' }, form),
        ),
        update(now) {
            if (!endpoint) limit.value = now.max_connections ?? '';
            endpoint = now;
            setText(path, now.path);
            setText(count, now.connections);
            setState(state, now.enabled ? 'good' : 'bad', now.enabled ? 'enabled' : 'disabled');
            setText(toggle, now.enabled ? 'Disable' : 'Enable');
            toggle.setAttribute('aria-label', `${toggle.textContent} ${title}`);
        },
    };
}

/* ---- forms and buttons -------------------------------------------------------------------------- */

function connectContentForm(board) {
    const value = byId('content-value');
    const none = byId('content-null');
    none.addEventListener('change', () => {
        value.disabled = none.checked;
    });
    byId('content-name').addEventListener('change', ({ target }) =>
        setText(byId('content-value-label'), target.value === 'private' ? 'Value (JSON)' : 'Value'),
    );
    byId('content-form').addEventListener('submit', (event) => {
        event.preventDefault();
        const name = byId('content-name').value;
        board.act(`${name} is changed.`, () => {
            const given = name === 'private' && !none.checked ? JSON.parse(value.value) : value.value;
            return board.api.request('PATCH', '/content', { [name]: none.checked ? null : given });
        });
    });
}

/* Both inputs show what is in force until somebody types into them. */
function connectAdjustments(board) {
    const forms = [
        ['delay-form', 'delay', (value) => ({ delay_ms: Number(value) })],
        ['override-form', 'override', (value) => ({ content_id_override: value || null })],
    ];
    for (const [form, input, bodyOf] of forms) {
        byId(input).addEventListener('input', ({ target }) => {
            target.typed = true;
        });
        byId(form).addEventListener('submit', async (event) => {
            event.preventDefault();
            const body = bodyOf(byId(input).value);
            byId(input).typed = !(await board.act('Companions are told.', () =>
                board.api.request('PATCH', '/adjustments', body),
            ));
        });
    }
    return ({ delay_ms: delay, content_id_override: override }) => {
        if (!byId('delay').typed) byId('delay').value = delay;
        if (!byId('override').typed) byId('override').value = override ?? '';
    };
}

function reloadText({ applied, needs_restart: restart }) {
    const done = applied.length > 0 ? `In force: ${applied.join(', ')}.` : 'Nothing has changed.';
    return restart.length > 0 ? `${done} Needs a restart: ${restart.join(', ')}.` : done;
}

function connectButtons(board, programmeRuns) {
    byId('programme').addEventListener('click', () => {
        const running = !programmeRuns();
        board.act(running ? 'The demo programme runs.' : 'The demo programme is stopped.', () =>
            board.api.request('PATCH', '/programme', { running }),
        );
    });
    byId('reload').addEventListener('click', () =>
        board.act(reloadText, () => board.api.request('POST', '/reload')),
    );
    const show = (read) => () =>
        board.act('', async () => {
            byId('text').textContent = await read();
            byId('text-part').hidden = false;
        });
    byId('show-metrics').addEventListener('click', show(() => board.api.metrics()));
    byId('show-openapi').addEventListener(
        'click',
        show(async () => JSON.stringify(await board.api.get('/openapi.json'), null, 2)),
    );
}

export function servicePart(board) {
    let running = false;
    connectContentForm(board);
    const showAdjustments = connectAdjustments(board);
    connectButtons(board, () => running);

    return {
        update({ status }) {
            running = status.programme.running;
            byId('content-fields').disabled = board.owned;
            showAdjustments(status.adjustments);
            setFacts(byId('daemon-facts'), daemonFacts(status));
            setText(byId('programme'), running ? 'Stop the demo programme' : 'Start the demo programme');
            keepList(byId('endpoints'), status.endpoints, {
                key: ({ name }) => name,
                make: (endpoint) => endpointRow(board, endpoint),
            });
        },
    };
}
