#include "token.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

/* The first line of the file, without its end. Nothing that was read is ever shown. */
static int read_file(struct token *token, const char *section, const char *path, char *reason,
                     size_t reason_size)
{
    char line[CONFIG_TOKEN_MAX + 3] = "";
    FILE *file = fopen(path, "re");
    size_t length;
    int result = -1;

    if (!file) {
        snprintf(reason, reason_size, "%s.token_file: %s: %s", section, path, strerror(errno));
        return -1;
    }
    /* So that the token does not stay behind in a buffer. */
    setvbuf(file, NULL, _IONBF, 0);
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    length = strcspn(line, "\r\n");
    if (config_token_is_good(line, length)) {
        memcpy(token->text, line, length);
        result = 0;
    } else {
        snprintf(reason, reason_size,
                 "%s.token_file: %s: the first line must be " CONFIG_TOKEN_RULE, section, path);
    }
    OPENSSL_cleanse(line, sizeof line);
    return result;
}

int token_init(struct token *token, const char *section, const char *text, const char *file,
               char *reason, size_t reason_size)
{
    memset(token, 0, sizeof *token);
    if (*file && read_file(token, section, file, reason, reason_size) != 0)
        return -1;
    if (*text)
        memcpy(token->text, text, strlen(text));
    return 0;
}

bool token_is_set(const struct token *token)
{
    return token->text[0] != '\0';
}

bool token_matches(const struct token *token, const struct token *given)
{
    return token_is_set(token) && CRYPTO_memcmp(given->text, token->text, sizeof token->text) == 0;
}

void token_finish(struct token *token)
{
    OPENSSL_cleanse(token, sizeof *token);
}
