/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of JSON (RFC 8259) that holds a frame. Read here, not by jansson, which makes an
 * object of each number: 25 µs of a core for 126 of them and 320 for 1,662, where this
 * takes 1.3 and 16 and a frame has 50 for all of its way.
 */
#ifndef FR_RECOGNIZE_FRAME_JSON_H
#define FR_RECOGNIZE_FRAME_JSON_H

#include <stdbool.h>
#include <stddef.h>

/* An array of `width` numbers or nulls (NaN), or an object whose "frame" is one and whose
 * "t", which may be missing (NaN), is a number; its other members are passed over. False,
 * with the reason in `why`, where it is anything else. Allocates nothing. */
bool fr__frame_json(const char *text, size_t size, size_t width, float *frame,
                    double *t_s, char *why, size_t room);

#endif
