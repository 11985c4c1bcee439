/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A C source while it is written: constants and calls grow side by side, and the pieces
 * of arithmetic that they need are marked. Buffers keep their first failure, so that a
 * run of calls needs one check at its end.
 */
#ifndef FR_MODEL_EXPORT_C_H
#define FR_MODEL_EXPORT_C_H

#include "base/buf.h"
#include "frugal/export.h"
#include "nn/int8.h"
#include "nn/program.h"

/* A part of the arithmetic; tools/pieces.py cuts them. */
typedef struct fr__piece {
  const char *name;
  const char *needs; /* names, apart by spaces */
  const char *text;
} fr__piece;

extern const fr__piece fr__pieces_float[], fr__pieces_int8[]; /* up to a NULL name */

#define FR__C_PIECES 48 /* ceiling of each */
#define FR__C_NAME 64   /* bytes of an identifier, NUL included */

typedef struct fr__csource {
  const fr__piece *piece;
  bool needed[FR__C_PIECES];
  fr__buf constants, calls;
  size_t bytes; /* of constants */
  size_t room;  /* floats that single layers work in */
} fr__csource;

void fr__c_init(fr__csource *c, const fr__piece *piece);
void fr__c_release(fr__csource *c);
enum fr_status fr__c_status(const fr__csource *c);

/* The piece of that name, with all that it needs. */
void fr__c_need(fr__csource *c, const char *piece);
void fr__c_pieces(const fr__csource *c, fr__buf *out); /* those needed, in order */

/* "static const float layer_3_bias[8] = {…};", and likewise for integers. */
void fr__c_floats(fr__csource *c, const char *layer, const char *what, const float *x,
                  size_t count);
/* (inputs, outputs) written as (outputs, inputs). */
void fr__c_floats_turned(fr__csource *c, const char *layer, const char *what,
                         const float *x, size_t inputs, size_t outputs);
void fr__c_int8(fr__csource *c, const char *layer, const char *what, const int8_t *x,
                size_t count);
void fr__c_int16(fr__csource *c, const char *name, const int16_t *x, size_t count);
void fr__c_uint16(fr__csource *c, const char *name, const uint16_t *x, size_t count);
void fr__c_int32(fr__csource *c, const char *layer, const char *what, const int32_t *x,
                 size_t count);
void fr__c_int64(fr__csource *c, const char *layer, const char *what, const int64_t *x,
                 size_t count);
/* A float that reads back as it is, such as "0.100000001f". */
const char *fr__c_number(float x, char text[32]);
/* Printable ASCII on one line, fit for a comment. */
void fr__c_comment(fr__buf *out, const char *text);
/* With its quotes. */
void fr__c_string(fr__buf *out, const char *text);

/* ---- export_c_float.c, export_c_int8.c: what a model does ---- */

enum fr_status fr__c_float_program(fr__csource *c, const fr__program *program,
                                   fr_error *err);
void fr__c_int8_ops(fr__csource *c, const fr_int8 *int8);

#endif
