/**
 * Line charts of the last minutes, in SVG. What a chart shows now is also there as text, in its legend;
 * the drawing itself is hidden from screen readers.
 */
import { element, setText } from './lib/dom.js';
import { numberText } from './lib/format.js';

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 1000;
const HEIGHT = 100;

function svgElement(tag, attributes) {
    const made = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
}

/** The next of 1, 2, 5, 10, ... that is not below the value. */
export function niceCeiling(value) {
    if (!(value > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(value));
    const steps = [1, 2, 5, 10].map((step) => step * power);
    return steps.find((step) => step >= value * (1 - 1e-9));
}

export class LineChart {
    #points = [];
    #lines;
    #values;
    #top;

    /**
     * @param {Element} parent where the chart is put
     * @param {object} options
     * @param {string} options.title
     * @param {string} options.unit behind each value; '' for none
     * @param {string[]} options.series names of one to three lines
     * @param {number} [options.spanS] how much of the past is shown
     * @param {number} [options.ceiling] smallest value at the top
     */
    constructor(parent, { title, unit, series, spanS = 120, ceiling = 0 }) {
        this.unit = unit;
        this.spanS = spanS;
        this.ceiling = ceiling;
        this.#values = series.map((name) => element('span', {}, `${name} –`));
        this.names = series;
        this.#lines = series.map(() => svgElement('polyline', { points: '' }));
        this.#top = element('span');
        const drawing = svgElement('svg', {
            viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
            preserveAspectRatio: 'none',
            'aria-hidden': 'true',
        });
        for (const y of [0, HEIGHT / 2, HEIGHT])
            drawing.append(svgElement('line', { class: 'grid', x1: 0, x2: WIDTH, y1: y, y2: y }));
        drawing.append(...this.#lines);
        const scale = element('div', { className: 'scale', 'aria-hidden': 'true' });
        scale.append(element('span', {}, `${Math.round(spanS / 60)} min ago`), element('span', {}, 'now'));
        parent.append(
            element(
                'figure',
                { className: 'chart' },
                element(
                    'figcaption',
                    {},
                    element('h3', {}, title),
                    element('div', { className: 'legend' }, ...this.#values),
                ),
                element('div', { className: 'scale', 'aria-hidden': 'true' }, this.#top),
                drawing,
                scale,
            ),
        );
        this.#draw(0);
    }

    /**
     * Adds the values of one moment.
     *
     * @param {number} atS
     * @param {(number|null)[]} values one for each line; null where there was nothing to measure
     */
    push(atS, values) {
        this.#points.push({ atS, values });
        while (this.#points[0].atS < atS - this.spanS) this.#points.shift();
        this.#draw(atS);
    }

    #draw(nowS) {
        const all = this.#points.flatMap(({ values }) => values).filter((v) => v !== null);
        const top = niceCeiling(Math.max(this.ceiling, ...all));
        setText(this.#top, this.#text(top));
        this.#lines.forEach((line, index) => {
            const known = this.#points.filter(({ values }) => values[index] !== null);
            const corners = known.map(({ atS, values }) => {
                const x = WIDTH * (1 - (nowS - atS) / this.spanS);
                return `${x.toFixed(1)},${(HEIGHT * (1 - values[index] / top)).toFixed(2)}`;
            });
            line.setAttribute('points', corners.join(' '));
            const last = this.#points.at(-1)?.values[index] ?? null;
            setText(this.#values[index], `${this.names[index]} ${this.#text(last)}`);
        });
    }

    #text(value) {
        return `${numberText(value)}${this.unit && value !== null ? ` ${this.unit}` : ''}`;
    }
}
