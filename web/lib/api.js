/**
 * The control API of the daemon that serves this page. The token is kept for as long as the tab is
 * open, and is sent nowhere else.
 */

const TOKEN_KEY = 'dvbcss-control-token';

/** A refusal, or no answer at all (status 0). */
export class ApiError extends Error {
    constructor(status, reason, member = null) {
        super(member ? `${member}: ${reason}` : reason);
        this.status = status;
    }
}

/* An address that ends in #token=... brings the token along: what follows the # is never sent, and is
 * taken out of the address and the history at once. */
function takeTokenFromAddress() {
    const found = /^#token=(.+)$/.exec(location.hash);
    if (!found) return;
    sessionStorage.setItem(TOKEN_KEY, decodeURIComponent(found[1]));
    history.replaceState(null, '', location.pathname + location.search);
}

export class ControlApi {
    constructor() {
        takeTokenFromAddress();
    }

    /** What was typed in; '' for nothing. Setting '' forgets it. */
    get token() {
        return sessionStorage.getItem(TOKEN_KEY) ?? '';
    }

    set token(token) {
        if (token) sessionStorage.setItem(TOKEN_KEY, token);
        else sessionStorage.removeItem(TOKEN_KEY);
    }

    /** GET, with JSON in return: `get('/status')`. */
    get(path) {
        return this.request('GET', path);
    }

    /**
     * One request below /api/v1.
     *
     * @param {string} method
     * @param {string} path as "/timelines/pts"; whoever calls it has encoded what is in it
     * @param {object} [body]
     * @returns {Promise<?object>} the answer's JSON; null if it has none
     * @throws {ApiError}
     */
    async request(method, path, body) {
        const answer = await this.#fetch(method, `api/v1${path}`, body);
        return answer.status === 204 ? null : answer.json();
    }

    /** The figures for Prometheus, as text. */
    async metrics() {
        return (await this.#fetch('GET', 'metrics')).text();
    }

    async #fetch(method, url, body) {
        const headers = { Authorization: `Bearer ${this.token}` };
        if (body !== undefined) headers['Content-Type'] = 'application/json';
        let answer;
        try {
            const text = body === undefined ? requestText(method) : JSON.stringify(body);
            answer = await fetch(url, { method, headers, body: text, cache: 'no-store' });
        } catch {
            throw new ApiError(0, 'the daemon does not answer');
        }
        if (!answer.ok) throw await readRefusal(answer);
        return answer;
    }
}

/* A POST needs a length, even of nothing. */
function requestText(method) {
    return method === 'POST' ? '' : undefined;
}

async function readRefusal(answer) {
    const problem = await answer.json().catch(() => ({}));
    return new ApiError(answer.status, problem.reason ?? answer.statusText, problem.member);
}
