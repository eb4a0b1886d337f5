/*
 * Leaks, in a Criterion test, so that a sanitizer run can prove that it would notice.
 */
#include <criterion/criterion.h>
#include <stdlib.h>

Test(leak, is_there_on_purpose)
{
    char *volatile block = malloc(13);

    cr_assert(block);
    block = NULL;
}
