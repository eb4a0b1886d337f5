/**
 * @file
 * Transmit stamps of the kernel that come late or not at all: the program that is linked with this
 * defines the call that takes them from a socket's error queue itself. Any thread may say what
 * becomes of them. Polling tells that they are there nevertheless.
 */
#ifndef TESTS_HELD_STAMPS_H
#define TESTS_HELD_STAMPS_H

/** From now on no stamp has come yet. */
void held_stamps_hold(void);

/** From now on all have come that were sent. */
void held_stamps_release(void);

/** The next so many never come. */
void held_stamps_lose(unsigned count);

#endif
