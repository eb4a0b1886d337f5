/**
 * The TV page: plays a programme, and is the television for all companions of the daemon that serves it.
 *
 * tv.html?media=NAME starts with a file of the media folder, tv.html?pattern=paused with the test
 * pattern standing still.
 */
import { PageChannel } from './lib/channel.js';
import { byId, element, setFacts, setState, setText } from './lib/dom.js';
import { clockText, numberText, speedText } from './lib/format.js';
import { PATTERN_CONTENT_ID } from './lib/pattern.js';
import { say, warn } from './lib/say.js';
import { showCompanions } from './tv/companions.js';
import { MediaPlayer, PatternPlayer } from './tv/players.js';
import { Television, TIMELINES } from './tv/television.js';

const SHOW_EVERY_MS = 100;
const STATES = {
    stopped: ['', 'not connected'],
    connecting: ['', 'connecting'],
    open: ['good', 'is the television'],
    waiting: ['bad', 'no answer, trying again'],
    owned: ['warn', 'another page is the television'],
    token: ['warn', 'needs a token'],
    taken: ['warn', 'another page took over'],
};

const wish = new URLSearchParams(location.search);
const players = {
    pattern: new PatternPlayer(byId('pattern')),
    media: new MediaPlayer(byId('video')),
};
let player = null;
let channel = null;
let television = null;
let sliding = false;

/* ---- choosing ----------------------------------------------------------------------------------- */

/* Plays another programme. */
function choose(next, contentId) {
    if (player && player !== next) player.hide();
    player = next;
    player.show();
    player.setSpeed(Number(byId('speed').value));
    television.present(player, contentId);
    byId('content-id').value = contentId;
}

function choosePattern() {
    choose(players.pattern, PATTERN_CONTENT_ID);
}

function chooseMedium(name) {
    const url = new URL(`media/${encodeURIComponent(name)}`, location.href).href;
    players.media.load(url);
    choose(players.media, url);
    players.media.play();
}

function chooseFile(file) {
    players.media.load(file);
    choose(players.media, `urn:dvbcss:file:${encodeURIComponent(file.name)}`);
    players.media.play();
}

async function listMedia() {
    const { media } = await fetch('media/').then((answer) => answer.json());
    for (const { name, type } of media) {
        if (/^(video|audio)\//.test(type))
            byId('programme').append(element('option', { value: `media:${name}` }, name));
    }
    return media;
}

function connectChoices() {
    byId('programme').addEventListener('change', ({ target }) => {
        byId('file').value = '';
        if (target.value === 'pattern') choosePattern();
        else chooseMedium(target.value.slice('media:'.length));
    });
    byId('file').addEventListener('change', ({ target }) => {
        if (target.files.length > 0) chooseFile(target.files[0]);
    });
    byId('content-form').addEventListener('submit', (event) => {
        event.preventDefault();
        television.describe({ contentId: byId('content-id').value });
        say('Companions are told the new content identifier.');
    });
    byId('presentation').addEventListener('change', ({ target }) =>
        television.describe({ presentationStatus: target.value }),
    );
}

/* ---- playing ------------------------------------------------------------------------------------ */

function now() {
    return player.view(performance.now());
}

function moveBy(seconds) {
    const { positionS } = now();
    const end = Number.isFinite(player.durationS) ? player.durationS : Infinity;
    player.seek(Math.min(Math.max(positionS + seconds, 0), end));
}

function togglePlay() {
    if (player.playing) player.pause();
    else player.play();
}

function connectTransport() {
    const seek = byId('seek');
    byId('toggle').addEventListener('click', togglePlay);
    for (const button of document.querySelectorAll('[data-step]'))
        button.addEventListener('click', () => moveBy(Number(button.dataset.step)));
    seek.addEventListener('input', () => {
        sliding = true;
        setText(byId('position'), clockText(Number(seek.value), 1));
    });
    seek.addEventListener('change', () => {
        sliding = false;
        player.seek(Number(seek.value));
    });
    byId('speed').addEventListener('change', ({ target }) => player.setSpeed(Number(target.value)));
    byId('sound').addEventListener('click', ({ currentTarget }) => {
        const on = currentTarget.getAttribute('aria-pressed') !== 'true';
        currentTarget.setAttribute('aria-pressed', String(on));
        for (const each of Object.values(players)) each.sound = on;
    });
    byId('fullscreen').addEventListener('click', () => byId('stage').requestFullscreen());
    document.addEventListener('keydown', (event) => {
        if (event.target.closest('input, select, button, a, summary')) return;
        const keys = { ' ': togglePlay, ArrowLeft: () => moveBy(-10), ArrowRight: () => moveBy(10) };
        if (!keys[event.key] || event.ctrlKey || event.altKey || event.metaKey) return;
        event.preventDefault();
        keys[event.key]();
    });
}

/* ---- showing ------------------------------------------------------------------------------------ */

function toldFacts(view) {
    const boundMs = channel.boundNs() / 1e6;
    return [
        ['Content', television.cii.contentId ?? '–'],
        ['Presentation', television.cii.presentationStatus],
        ['Position', view.available ? clockText(view.positionS, 1) : 'not available'],
        ['Speed', view.available ? speedText(view.speed) : '–'],
        ['Wall clock', Number.isFinite(boundMs) ? `± ${numberText(boundMs)} ms` : 'not known yet'],
    ];
}

function show() {
    const view = now();
    const { durationS } = player;
    setText(byId('toggle'), player.playing ? 'Pause' : 'Play');
    setText(byId('duration'), clockText(durationS, 0));
    if (!sliding) {
        const seek = byId('seek');
        seek.max = Number.isFinite(durationS) ? durationS : 100;
        seek.value = view.positionS;
        seek.setAttribute('aria-valuetext', clockText(view.positionS, 0));
        setText(byId('position'), clockText(view.positionS, 1));
    }
    setFacts(byId('told'), toldFacts(view));
    showCompanions(channel.companions, TIMELINES, television.teller);
}

function showState() {
    setState(byId('link'), ...STATES[channel.state]);
    byId('token-form').hidden = channel.state !== 'token';
    byId('taken').hidden = channel.state !== 'taken';
}

/* ---- starting ----------------------------------------------------------------------------------- */

function connectChannel(path) {
    const url = new URL(path, location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    channel = new PageChannel(url.href, { name: document.title });
    television = new Television(channel);
    channel.addEventListener('state', showState);
    channel.addEventListener('problem', ({ detail }) => warn(detail.reason));
    channel.addEventListener('ready', () => warn(''));
    byId('token-form').addEventListener('submit', (event) => {
        event.preventDefault();
        warn('');
        channel.token = byId('token').value;
        channel.start();
    });
    byId('take-back').addEventListener('click', () => channel.start());
}

async function start() {
    const site = await fetch('pages.json').then((answer) => answer.json());
    if (!site.server) {
        warn('This television does not let pages be the television (page.enabled).');
        return;
    }
    connectChannel(site.server);
    connectTransport();
    connectChoices();
    for (const each of Object.values(players))
        each.addEventListener('problem', ({ detail }) => warn(detail));
    const media = await listMedia();
    if (media.some(({ name }) => name === wish.get('media'))) {
        byId('programme').value = `media:${wish.get('media')}`;
        chooseMedium(wish.get('media'));
    } else {
        choosePattern();
        if (wish.get('pattern') !== 'paused') player.play();
    }
    setInterval(show, SHOW_EVERY_MS);
    channel.start();
}

start().catch((error) => warn(error.message));
