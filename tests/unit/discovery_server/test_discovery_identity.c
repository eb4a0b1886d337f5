#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dvbcss/discovery_identity.h"

static char folder[] = "/tmp/dvbcss-identity-XXXXXX";
static char path[64];
static char uuid[DVBCSS_SSDP_UUID_SIZE];

static void begin(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/uuid", folder);
}

static void end(void)
{
    unlink(path);
    rmdir(folder);
}

TestSuite(discovery_identity, .init = begin, .fini = end);

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

Test(discovery_identity, the_file_decides)
{
    write_file("123e4567-e89b-12d3-a456-426614174000\n");
    cr_assert_eq(dvbcss_discovery_identity(path, "any", uuid), 0);
    cr_expect_str_eq(uuid, "123e4567-e89b-12d3-a456-426614174000");
}

Test(discovery_identity, a_file_with_something_else_is_not_overwritten)
{
    write_file("my notes\n");
    cr_expect_eq(dvbcss_discovery_identity(path, "any", uuid), DVBCSS_EVALUE);
    write_file("");
    cr_expect_eq(dvbcss_discovery_identity(path, "any", uuid), DVBCSS_EVALUE);
}

Test(discovery_identity, a_file_that_is_not_there_is_made_and_kept_to)
{
    char again[DVBCSS_SSDP_UUID_SIZE];

    cr_assert_eq(dvbcss_discovery_identity(path, "living room", uuid), 0);
    cr_expect(dvbcss_ssdp_uuid_is_valid(uuid));
    cr_assert_eq(dvbcss_discovery_identity(path, "another name", again), 0);
    cr_expect_str_eq(again, uuid);
}

Test(discovery_identity, a_file_that_cannot_be_made_is_an_error)
{
    cr_expect_eq(dvbcss_discovery_identity("/nonexistent/folder/uuid", "any", uuid), DVBCSS_EIO);
    cr_expect_eq(dvbcss_discovery_identity("/dev/null/uuid", "any", uuid), DVBCSS_EIO);
}

Test(discovery_identity, the_same_machine_and_name_give_the_same_uuid_and_others_another)
{
    char again[DVBCSS_SSDP_UUID_SIZE], other[DVBCSS_SSDP_UUID_SIZE];
    char id[64] = "";
    FILE *file = fopen("/etc/machine-id", "r");

    if (!file || !fgets(id, sizeof id, file) || strlen(id) < 32)
        cr_skip_test("this machine has no id");
    fclose(file);
    id[8] = '\0';
    cr_assert_eq(dvbcss_discovery_identity(NULL, "one", uuid), 0);
    cr_assert_eq(dvbcss_discovery_identity(NULL, "one", again), 0);
    cr_assert_eq(dvbcss_discovery_identity(NULL, "two", other), 0);
    cr_expect(dvbcss_ssdp_uuid_is_valid(uuid));
    cr_expect_str_eq(uuid, again);
    cr_expect_str_neq(uuid, other);
    cr_expect_neq(strncmp(uuid, id, 8), 0, "the machine's id stays a secret");
}
