#include "app2app/app2app_path.h"

#include <stddef.h>
#include <string.h>

/* What follows @p segment and a slash at the start of @p rest; NULL if that is not there. */
static const char *after(const char *rest, const char *segment)
{
    const size_t length = strlen(segment);

    if (strncmp(rest, segment, length) != 0 || (rest[length] != '/' && rest[length] != '\0'))
        return NULL;
    return rest + length + (rest[length] == '/');
}

struct app2app_place app2app_place_of(const char *rest)
{
    const char *local, *remote;

    rest += *rest == '/';
    local = after(rest, "local");
    remote = after(rest, "remote");
    if (local)
        return (struct app2app_place){true, local};
    return (struct app2app_place){false, remote ? remote : rest};
}
