/** What is on screen: content, the media's position, and the controls of all timelines together. */
import { byId, setFacts, setState, setText } from '../lib/dom.js';
import { clockText } from '../lib/format.js';
import { numberOf } from './forms.js';

/** Whether a web page decides what is presented. */
export function pagePresents({ page }) {
    return page.state === 'presented' || page.state === 'inherited';
}

function presenterOf(status) {
    if (pagePresents(status)) return ['good', status.page.owner?.name || 'a page'];
    if (status.programme.running) return ['good', 'demo programme'];
    return ['', 'configuration and control'];
}

/* Who decides what is presented, if changes would be refused. */
function ownerText(status) {
    if (pagePresents(status))
        return 'A page is the television: use its own controls. Changes from here are refused.';
    if (status.programme.running)
        return 'The demo programme decides what is presented. Stop it to take over.';
    return '';
}

function contentFacts({ content }) {
    return [
        ['Content', content.contentId ?? 'none'],
        ['Its status', content.contentIdStatus ?? '–'],
        ['Presentation', content.presentationStatus ?? '–'],
    ];
}

export function mediaPart(board) {
    let media = null;

    const change = (said, body) =>
        board.act(said, () => board.api.request('PATCH', '/media', body));

    byId('media-toggle').addEventListener('click', () => {
        if (media.speed === 0) change('Playing.', { speed: 1 });
        else change('Paused.', { speed: 0 });
    });
    for (const button of document.querySelectorAll('[data-seek]')) {
        const seconds = Number(button.dataset.seek);
        button.addEventListener('click', () => change('Moved.', { seek_s: seconds }));
    }
    byId('media-form').addEventListener('submit', (event) => {
        event.preventDefault();
        const body = {
            speed: numberOf('media-speed'),
            seek_s: numberOf('media-seek'),
            in_s: numberOf('media-in'),
        };
        change(body.in_s ? 'Planned.' : 'Changed.', body).then((done) => done && event.target.reset());
    });

    return {
        update({ status }) {
            media = status.media;
            byId('media-part').hidden = pagePresents(status);
            const owner = ownerText(status);
            setState(byId('presenter'), ...presenterOf(status));
            setFacts(byId('content-facts'), contentFacts(status));
            byId('media-owner').hidden = owner === '';
            setText(byId('media-owner'), owner);
            byId('media-controls').disabled = board.owned;
            setText(byId('media-toggle'), media.speed === 0 ? 'Play' : 'Pause');
        },
        tick(wallNs) {
            if (!media) return;
            const sinceS = (wallNs - media.wall_clock_ns) / 1e9;
            setText(byId('media-position'), clockText(media.position_s + media.speed * sinceS, 1));
        },
    };
}
