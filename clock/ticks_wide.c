#include "clock/ticks_wide.h"

#include <math.h>

static const uint128 UINT128_LIMIT = ~(uint128)0;

/* ---- 256 bits ------------------------------------------------------------------------------- */

enum { LIMBS = 4, LIMB_BITS = 64, WIDE_BITS = LIMBS * LIMB_BITS };

/* An unsigned number, least significant limb first. */
struct wide {
    uint64_t limb[LIMBS];
};

static struct wide wide_product(uint128 a, uint128 b)
{
    const uint64_t a_limb[] = {(uint64_t)a, (uint64_t)(a >> LIMB_BITS)};
    const uint64_t b_limb[] = {(uint64_t)b, (uint64_t)(b >> LIMB_BITS)};
    struct wide product = {{0}};

    for (unsigned i = 0; i < 2; i++) {
        uint128 carry = 0;

        for (unsigned j = 0; j < 2; j++) {
            carry += (uint128)a_limb[i] * b_limb[j] + product.limb[i + j];
            product.limb[i + j] = (uint64_t)carry;
            carry >>= LIMB_BITS;
        }
        product.limb[i + 2] = (uint64_t)carry;
    }
    return product;
}

static int wide_bits(const struct wide *value)
{
    for (int i = LIMBS - 1; i >= 0; i--) {
        if (value->limb[i])
            return i * LIMB_BITS + (LIMB_BITS - __builtin_clzll(value->limb[i]));
    }
    return 0;
}

/* Shifts left by fewer than WIDE_BITS; the caller has made sure that nothing falls off. */
static struct wide wide_shifted_left(struct wide value, int bits)
{
    int limbs = bits / LIMB_BITS;
    int rest = bits % LIMB_BITS;
    struct wide shifted = {{0}};

    for (int i = LIMBS - 1; i >= limbs; i--) {
        shifted.limb[i] = value.limb[i - limbs] << rest;
        if (rest && i > limbs)
            shifted.limb[i] |= value.limb[i - limbs - 1] >> (LIMB_BITS - rest);
    }
    return shifted;
}

/* Shifts right by fewer than WIDE_BITS; tells in *inexact whether a bit that was set fell off. */
static struct wide wide_shifted_right(struct wide value, int bits, bool *inexact)
{
    int limbs = bits / LIMB_BITS;
    int rest = bits % LIMB_BITS;
    struct wide shifted = {{0}};

    for (int i = 0; i < limbs; i++)
        *inexact |= value.limb[i] != 0;
    if (rest)
        *inexact |= value.limb[limbs] << (LIMB_BITS - rest) != 0;
    for (int i = limbs; i < LIMBS; i++) {
        shifted.limb[i - limbs] = value.limb[i] >> rest;
        if (rest && i + 1 < LIMBS)
            shifted.limb[i - limbs] |= value.limb[i + 1] << (LIMB_BITS - rest);
    }
    return shifted;
}

/* Divides limb by limb, which is quick, and enough for all usual rates and speeds. */
static struct wide wide_quotient_by_limb(struct wide value, uint64_t divisor, bool *inexact)
{
    uint128 remainder = 0;

    for (int i = LIMBS - 1; i >= 0; i--) {
        remainder = remainder << LIMB_BITS | value.limb[i];
        value.limb[i] = (uint64_t)(remainder / divisor);
        remainder %= divisor;
    }
    *inexact |= remainder != 0;
    return value;
}

/* Divides bit by bit. The remainder can have one bit more than fits: it is carried beside it. */
static struct wide wide_quotient_by_bit(struct wide value, uint128 divisor, bool *inexact)
{
    struct wide quotient = {{0}};
    uint128 remainder = 0;

    for (int i = wide_bits(&value) - 1; i >= 0; i--) {
        uint64_t mask = UINT64_C(1) << i % LIMB_BITS;
        bool carry = remainder >> 127 != 0;

        remainder = remainder << 1 | ((value.limb[i / LIMB_BITS] & mask) != 0);
        if (carry || remainder >= divisor) {
            remainder -= divisor;
            quotient.limb[i / LIMB_BITS] |= mask;
        }
    }
    *inexact |= remainder != 0;
    return quotient;
}

static struct wide wide_quotient(struct wide value, uint128 divisor, bool *inexact)
{
    if (divisor >> LIMB_BITS)
        return wide_quotient_by_bit(value, divisor, inexact);
    return wide_quotient_by_limb(value, (uint64_t)divisor, inexact);
}

/* ---- tick values ---------------------------------------------------------------------------- */

/* A tick value in units of 2^-64 tick, as two's complement. */
static uint128 units_of(struct dvbcss_ticks ticks)
{
    return (uint128)(uint64_t)ticks.whole << LIMB_BITS | ticks.fraction;
}

static struct dvbcss_ticks ticks_of(uint128 units)
{
    struct dvbcss_ticks ticks = {(int64_t)(units >> LIMB_BITS), (uint64_t)units};

    return ticks;
}

struct ticks_span ticks_span_between(struct dvbcss_ticks from, struct dvbcss_ticks to)
{
    struct ticks_span span;

    span.negative = dvbcss_ticks_compare(to, from) < 0;
    span.magnitude = span.negative ? units_of(from) - units_of(to) : units_of(to) - units_of(from);
    return span;
}

struct ticks_span ticks_span_of(int64_t whole)
{
    return ticks_span_between(dvbcss_ticks(0), dvbcss_ticks(whole));
}

double ticks_span_to_seconds(struct ticks_span span, struct dvbcss_rate rate)
{
    if (rate.ticks == 0)
        return 0.0;
    return ldexp((double)span.magnitude, -LIMB_BITS) * rate.seconds / rate.ticks;
}

int ticks_move(struct dvbcss_ticks from, struct ticks_span by, struct dvbcss_ticks *out)
{
    uint128 units = units_of(from);
    struct dvbcss_ticks end = by.negative ? DVBCSS_TICKS_MIN : DVBCSS_TICKS_MAX;
    struct ticks_span room = ticks_span_between(from, end);

    if (by.magnitude > room.magnitude) {
        *out = end;
        return DVBCSS_ERANGE;
    }
    *out = ticks_of(by.negative ? units - by.magnitude : units + by.magnitude);
    return 0;
}

/* ---- ratios --------------------------------------------------------------------------------- */

int ticks_ratio_of_rates(struct ticks_ratio *ratio, struct dvbcss_rate from, struct dvbcss_rate to,
                         double speed)
{
    enum { MANTISSA_BITS = 53 };
    int exponent = 0;
    uint64_t mantissa;

    if (!isfinite(speed) || !from.ticks || !from.seconds || !to.ticks || !to.seconds)
        return DVBCSS_EINVAL;
    /* A double is an integer of 53 bits times a power of two: nothing is lost here. */
    mantissa = (uint64_t)ldexp(frexp(fabs(speed), &exponent), MANTISSA_BITS);
    exponent -= MANTISSA_BITS;
    if (mantissa) {
        int zeros = __builtin_ctzll(mantissa);

        mantissa >>= zeros;
        exponent += zeros;
    }
    ratio->numerator = (uint128)((uint64_t)to.ticks * from.seconds) * mantissa;
    ratio->denominator = (uint64_t)to.seconds * from.ticks;
    ratio->exponent = exponent;
    ratio->negative = speed < 0.0;
    return 0;
}

struct ticks_ratio ticks_ratio_of_spans(struct ticks_span numerator, struct ticks_span denominator)
{
    struct ticks_ratio ratio = {numerator.magnitude, denominator.magnitude, 0,
                                numerator.negative != denominator.negative};

    return ratio;
}

static struct ticks_ratio inverse(const struct ticks_ratio *ratio)
{
    struct ticks_ratio inverted = {ratio->denominator, ratio->numerator, -ratio->exponent,
                                   ratio->negative};

    return inverted;
}

static int span_overflow(bool negative, struct ticks_span *out)
{
    out->negative = negative;
    out->magnitude = UINT128_LIMIT;
    return DVBCSS_ERANGE;
}

int ticks_span_scale(struct ticks_span span, const struct ticks_ratio *ratio,
                     struct ticks_span *out)
{
    struct wide value = wide_product(span.magnitude, ratio->numerator);
    int bits = wide_bits(&value);
    bool inexact = false;

    out->negative = span.negative != ratio->negative;
    out->magnitude = 0;
    if (bits == 0)
        return 0;
    /* 2^256 or more, and no denominator reaches 2^128. */
    if (bits + ratio->exponent > WIDE_BITS)
        return span_overflow(out->negative, out);
    if (ratio->exponent > 0)
        value = wide_shifted_left(value, ratio->exponent);
    /* A floor of a floor is the floor of the whole: dividing in two steps rounds once. */
    value = wide_quotient(value, ratio->denominator, &inexact);
    if (ratio->exponent <= -WIDE_BITS) {
        value = (struct wide){{0}};
        inexact = true;
    } else if (ratio->exponent < 0) {
        value = wide_shifted_right(value, -ratio->exponent, &inexact);
    }
    if (value.limb[2] || value.limb[3])
        return span_overflow(out->negative, out);
    out->magnitude = (uint128)value.limb[1] << LIMB_BITS | value.limb[0];
    /* Down is away from zero below it. */
    if (out->negative && inexact) {
        if (out->magnitude == UINT128_LIMIT)
            return span_overflow(true, out);
        out->magnitude++;
    }
    return 0;
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* Both steps run in any case, so that what does not fit stops at the right end of the range. */
static int scale_and_move(struct ticks_span span, const struct ticks_ratio *ratio,
                          struct dvbcss_ticks from, struct dvbcss_ticks *out)
{
    struct ticks_span scaled;
    int scale_error = ticks_span_scale(span, ratio, &scaled);
    int move_error = ticks_move(from, scaled, out);

    return scale_error ? scale_error : move_error;
}

int ticks_line_child(const struct ticks_line *line, struct dvbcss_ticks parent,
                     struct dvbcss_ticks *out)
{
    return scale_and_move(ticks_span_between(line->parent, parent), &line->slope, line->child, out);
}

int ticks_line_parent(const struct ticks_line *line, struct dvbcss_ticks child,
                      struct dvbcss_ticks *out)
{
    struct ticks_span span = ticks_span_between(line->child, child);
    struct ticks_ratio ratio = inverse(&line->slope);

    if (span.magnitude == 0) {
        *out = line->parent;
        return 0;
    }
    if (line->slope.numerator == 0)
        return DVBCSS_ENOTMAPPABLE;
    return scale_and_move(span, &ratio, line->parent, out);
}
