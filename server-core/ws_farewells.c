#include "server-core/ws_farewells.h"

#include <sys/socket.h>
#include <unistd.h>

void ws_farewells_init(struct ws_farewells *farewells)
{
    farewells->next = 0;
    for (int i = 0; i < WS_FAREWELLS; i++)
        farewells->slots[i].fd = -1;
}

static void end(struct ws_farewells *farewells, unsigned slot)
{
    if (farewells->slots[slot].fd >= 0)
        close(farewells->slots[slot].fd);
    farewells->slots[slot].fd = -1;
}

void ws_farewells_keep(struct ws_farewells *farewells, int fd, uint64_t now_ms)
{
    unsigned slot = farewells->next;

    shutdown(fd, SHUT_WR);
    end(farewells, slot);
    farewells->slots[slot].fd = fd;
    farewells->slots[slot].since_ms = now_ms;
    farewells->next = (slot + 1) % WS_FAREWELLS;
}

void ws_farewells_check(struct ws_farewells *farewells, uint64_t now_ms)
{
    for (unsigned slot = 0; slot < WS_FAREWELLS; slot++)
        if (now_ms - farewells->slots[slot].since_ms >= WS_FAREWELL_MS)
            end(farewells, slot);
}

void ws_farewells_end(struct ws_farewells *farewells)
{
    for (unsigned slot = 0; slot < WS_FAREWELLS; slot++)
        end(farewells, slot);
}
