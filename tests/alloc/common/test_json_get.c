#include <criterion/criterion.h>
#include <string.h>

#include "common/json_get.h"
#include "dvbcss/alloc.h"
#include "failing_alloc.h"

/* First a number that fills the parser's token buffer, so that the comma behind it makes the buffer
 * grow; then long tokens of each kind, which make it grow further. */
static const char message[] =
    "{\"edge\": 123456789012345,"
    " \"string that is longer than one buffer\": \"value that is longer than one buffer \\u20ac\","
    " \"number\": 12345.0000000000000000000000000000000000000000000000000000000000000000000000,"
    " \"decimal\": \"1.0000000000000000000000000000000000e3\", \"array\": [{}, [1], null],"
    " \"beyond 64 bits\": 18446744073709551615}";

static int decode(char *text, size_t size)
{
    struct jget_place top = {0};
    const char *string;
    int64_t decimal = 0;
    int error = jget_parse(&top, message, sizeof message - 1, DVBCSS_TOLERANT, NULL);

    if (!error)
        error = jget_string(&top, "string that is longer than one buffer", JGET_REQUIRED, NULL,
                            &string);
    if (!error)
        snprintf(text, size, "%s", string);
    if (!error)
        error = jget_decimal(&top, "decimal", JGET_REQUIRED, NULL, &decimal);
    if (!error)
        cr_assert_eq(decimal, 1000);
    jget_finish(&top);
    return error;
}

Test(json_get, a_lack_of_memory_is_an_error_and_never_another_message)
{
    bool failed = true;

    for (unsigned n = 0; failed; n++) {
        char text[64] = "";
        int error;

        failing_alloc_begin(n);
        error = decode(text, sizeof text);
        failed = failing_alloc_end();
        cr_assert_eq(error, failed ? DVBCSS_ENOMEM : 0, "allocation %u: %s", n,
                     dvbcss_error_name(error));
        cr_assert_eq(failing_alloc_outstanding(), 0, "allocation %u", n);
        if (!failed)
            cr_assert_str_eq(text, "value that is longer than one buffer \xe2\x82\xac");
    }
}

static long left;

static void *malloc_until_exhausted(size_t size)
{
    return left-- > 0 ? malloc(size) : NULL;
}

static void *no_realloc(void *memory, size_t size)
{
    (void)memory;
    (void)size;
    return NULL;
}

Test(json_get, memory_that_stays_exhausted_is_an_error_too)
{
    static const struct dvbcss_allocator exhausted = {malloc_until_exhausted, no_realloc, free};
    int error = DVBCSS_ENOMEM;
    long n;

    dvbcss_set_allocator(&exhausted);
    for (n = 0; error && n < 1000; n++) {
        char text[64];

        left = n;
        error = decode(text, sizeof text);
        cr_assert(error == 0 || error == DVBCSS_ENOMEM, "after %ld: %s", n,
                  dvbcss_error_name(error));
    }
    dvbcss_set_allocator(NULL);
    cr_assert_eq(error, 0);
}
