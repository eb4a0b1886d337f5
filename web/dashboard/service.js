/** The daemon itself: endpoints, programme, configuration, and CII beyond the timelines. */
import { byId, element, keepList, setFacts, setText } from '../lib/dom.js';
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

function endpointRow(board, { name }) {
    const heading = element('h3');
    const count = element('span', { className: 'muted' });
    const toggle = element('button', { type: 'button', className: 'small' });
    const limit = element('input', { type: 'number', min: '0', max: '1000000', step: '1' });
    limit.placeholder = 'no limit';
    const form = element(
        'form',
        { className: 'row' },
        element('label', { className: 'field' }, element('span', {}, 'At most'), limit),
        element('button', { className: 'small' }, 'Set limit'),
    );
    let endpoint;
    const change = (said, body) =>
        board.act(said, () => board.api.request('PATCH', `/endpoints/${name}`, body));
    toggle.addEventListener('click', () =>
        change(`${heading.textContent} is ${endpoint.enabled ? 'closed' : 'open'}.`, {
            enabled: !endpoint.enabled,
        }),
    );
    form.addEventListener('submit', (event) => {
        event.preventDefault();
        const max = limit.value === '' ? null : Number(limit.value);
        change('The limit is set.', { max_connections: max });
    });
    return {
        node: element(
            'div',
            { className: 'row spread' },
            element('div', {}, heading, count),
            element('div', { className: 'row' }, form, toggle),
        ),
        update(now) {
            const first = !endpoint;
            endpoint = now;
            setText(heading, `${name.toUpperCase()} at ${now.path}`);
            setText(count, `${now.connections} of ${now.max_connections ?? 'any number'}`);
            setText(toggle, now.enabled ? 'Disable' : 'Enable');
            toggle.setAttribute('aria-label', `${toggle.textContent} ${name.toUpperCase()}`);
            limit.setAttribute('aria-label', `At most, connections to ${name.toUpperCase()}`);
            if (first) limit.value = now.max_connections ?? '';
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
    connectButtons(board, () => running);

    return {
        update({ status }) {
            running = status.programme.running;
            byId('content-fields').disabled = board.owned;
            setFacts(byId('daemon-facts'), daemonFacts(status));
            setText(byId('programme'), running ? 'Stop the demo programme' : 'Start the demo programme');
            keepList(byId('endpoints'), status.endpoints, {
                key: ({ name }) => name,
                make: (endpoint) => endpointRow(board, endpoint),
            });
        },
    };
}
