#include <criterion/criterion.h>
#include <jansson.h>
#include <stdint.h>

#include "dvbcss/alloc.h"
#include "failing_alloc.h"

enum { NEVER = 1000 };

Test(alloc, an_array_whose_size_overflows_is_refused)
{
    cr_assert_null(dvbcss_calloc(SIZE_MAX, 2));
    cr_assert_null(dvbcss_calloc(SIZE_MAX / 2 + 1, 2));
    cr_assert_null(dvbcss_calloc(2, SIZE_MAX));
}

Test(alloc, an_array_is_zeroed)
{
    unsigned char *bytes = dvbcss_calloc(100, 3);

    cr_assert_not_null(bytes);
    for (int i = 0; i < 300; i++)
        cr_assert_eq(bytes[i], 0);
    dvbcss_free(bytes);
}

Test(alloc, an_array_of_nothing_can_be_freed)
{
    dvbcss_free(dvbcss_calloc(0, 8));
    dvbcss_free(dvbcss_calloc(8, 0));
    dvbcss_free(NULL);
}

Test(alloc, memory_moves_with_its_contents)
{
    char *text = dvbcss_strdup("abc");

    cr_assert_not_null(text);
    text = dvbcss_realloc(text, 1000);
    cr_assert_str_eq(text, "abc");
    dvbcss_free(text);
    cr_assert_null(dvbcss_strdup(NULL));
}

Test(alloc, a_copied_string_that_finds_no_memory_is_null)
{
    failing_alloc_begin(0);
    cr_assert_null(dvbcss_strdup("abc"));
    cr_assert(failing_alloc_end());
}

Test(alloc, the_hook_sees_every_block_come_and_go)
{
    void *memory;

    failing_alloc_begin(NEVER);
    memory = dvbcss_malloc(10);
    memory = dvbcss_realloc(memory, 20);
    cr_assert_eq(failing_alloc_outstanding(), 1);
    dvbcss_free(memory);
    cr_assert_eq(failing_alloc_outstanding(), 0);
    cr_assert(!failing_alloc_end());
}

Test(alloc, the_hook_reaches_jansson)
{
    json_t *object;

    failing_alloc_begin(NEVER);
    object = json_pack("{s:s}", "key", "value");
    cr_assert_not_null(object);
    cr_assert_gt(failing_alloc_outstanding(), 1);
    json_decref(object);
    cr_assert_eq(failing_alloc_outstanding(), 0);
    cr_assert(!failing_alloc_end());

    failing_alloc_begin(0);
    cr_assert_null(json_object());
    cr_assert(failing_alloc_end());
}

Test(alloc, null_brings_the_standard_allocator_back)
{
    void *memory;

    failing_alloc_begin(0);
    failing_alloc_end();
    memory = dvbcss_malloc(10);
    cr_assert_not_null(memory);
    dvbcss_free(memory);
    cr_assert_eq(failing_alloc_outstanding(), 0);
}
