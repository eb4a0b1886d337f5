/* What a path says of a client. */
#include <criterion/criterion.h>

#include "app2app/app2app_path.h"

Test(app2app_path, tells_side_and_name)
{
    static const struct {
        const char *rest;
        bool local;
        const char *name;
    } cases[] = {
        {"", false, ""},
        {"/", false, ""},
        {"/a", false, "a"},
        {"/a/b", false, "a/b"},
        {"/remote", false, ""},
        {"/remote/", false, ""},
        {"/remote/a", false, "a"},
        {"/remote/local/a", false, "local/a"},
        {"/remotely", false, "remotely"},
        {"/local", true, ""},
        {"/local/", true, ""},
        {"/local/a/b", true, "a/b"},
        {"/locally/a", false, "locally/a"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct app2app_place place = app2app_place_of(cases[i].rest);

        cr_assert_eq(place.local, cases[i].local, "%s", cases[i].rest);
        cr_assert_str_eq(place.name, cases[i].name, "%s", cases[i].rest);
    }
}
