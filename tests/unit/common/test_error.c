#include <criterion/criterion.h>

#include "dvbcss/error.h"

Test(error, every_code_has_its_own_name_and_text)
{
#define CHECK(code, name, text)                                                                    \
    cr_assert_str_eq(dvbcss_error_name(code), "DVBCSS_" #name);                                    \
    cr_assert_str_eq(dvbcss_error_text(DVBCSS_##name), text);
    DVBCSS_ERROR_MAP(CHECK)
#undef CHECK
}

Test(error, success_and_unknown_codes)
{
    cr_assert_str_eq(dvbcss_error_name(0), "DVBCSS_OK");
    cr_assert_str_eq(dvbcss_error_text(0), "success");
    cr_assert_str_eq(dvbcss_error_name(-12345), "DVBCSS_E?");
    cr_assert_str_eq(dvbcss_error_text(17), "unknown error");
}
