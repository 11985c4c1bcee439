/* SPDX-License-Identifier: Apache-2.0 */
/* What a study says, as tables: the terminal and the page show the same ones. Each
 * function fills a table that it initialises; the caller releases it. */
#ifndef FR_REPORT_TABLES_H
#define FR_REPORT_TABLES_H

#include "report/front.h"
#include "report/result.h"
#include "report/table.h"

/* One quantity: a row per cell name, a column per mechanism, then the ratios. */
void fr__tables_quantity(const fr__result *result, const fr__grid *grid,
                         enum fr__quantity quantity, fr__table *table);
/* "Energy of the program" and so on. */
const char *fr__quantity_title(enum fr__quantity quantity);
/* Every ratio of the group, with pre-training and to equal accuracy too. */
void fr__tables_ratios(const fr__result *result, const fr__group *group,
                       fr__table *table);
/* What mechanisms save and lose, and the same cell by cell. */
void fr__tables_mechanisms(const fr__result *result, fr__table *table);
void fr__tables_effects(const fr__result *result, fr__table *table);
/* All cells of a group whose mechanisms do not fit side by side. */
void fr__tables_cells(const fr__result *result, const fr__grid *grid, fr__table *table);
void fr__tables_front(const fr__front *front, size_t panel, fr__table *table);
void fr__tables_claims(const fr__result *result, fr__table *table);
void fr__tables_break_even(const fr__result *result, fr__table *table);
void fr__tables_equivalents(const fr__result *result, fr__table *table);
void fr__tables_phases(const fr__result *result, fr__table *table);
void fr__tables_settings(const fr__result *result, fr__table *table);

/* "1.2 kJ of 2 kJ for 40 runs, 8 not made; …"; nothing where there is no budget. */
void fr__budget_note(const fr__result *result, fr__buf *out);
/* "modelled, −60 % to +270 %", "measured by powercap"; where nothing is known "not
 * measured". */
void fr__sensor_note(const fr__result *result, fr__buf *out);
/* "0.0231 g CO₂e (…) at 381 g CO₂e/kWh (DE, …)"; "not measured" where absent. */
void fr__grams_note(const fr__result *result, fr__buf *out);

#endif
