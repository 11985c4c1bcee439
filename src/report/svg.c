/* SPDX-License-Identifier: Apache-2.0 */
/* gnuplot's SVG made fit for the inside of a page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/chart.h"

typedef struct swap {
  const char *from, *to;
} swap;

/* Colours become the page's variables. */
typedef struct colour {
  int red, green, blue;
  const char *to;
} colour;

static const colour colours[] = {
    {34, 34, 34, "currentColor"},      {208, 208, 208, "var(--grid)"},
    {255, 255, 255, "var(--ground)"},  {102, 102, 102, "var(--soft)"},
    {0, 114, 178, "var(--series-1)"},  {230, 159, 0, "var(--series-2)"},
    {0, 158, 115, "var(--series-3)"},  {204, 121, 167, "var(--series-4)"},
    {213, 94, 0, "var(--series-5)"},   {86, 180, 233, "var(--series-6)"},
    {246, 217, 168, "var(--spike)"},   {207, 227, 243, "var(--phase-1)"},
    {213, 236, 217, "var(--phase-2)"}, {241, 220, 237, "var(--phase-3)"},
    {232, 228, 201, "var(--phase-4)"}, {220, 220, 242, "var(--phase-5)"},
    {243, 217, 208, "var(--phase-6)"}, {208, 235, 233, "var(--phase-7)"},
    {230, 230, 230, "var(--phase-8)"},
};

static const swap names[] = {
    {"color=\"black\"", "color=\"inherit\""},
    {"color=\"#FFFFFF\"", "color=\"inherit\""},
    {"stroke=\"black\"", "stroke=\"currentColor\""},
};

/* Identities, which a page must hold once, and references to them. */
static const char *const identities[] = {
    "gpDot", "gpPt", "gpPat", "textbox", "greybox", "gnuplot_canvas", "gnuplot_plot_"};

static bool starts(const char *text, const char *word) {
  return strncmp(text, word, strlen(word)) == 0;
}

/* "rgb(34,34,34)" and "rgb( 34,  34,  34)", as gnuplot writes them. */
static size_t replaced_colour(const char *at, fr__buf *out) {
  int red, green, blue, length = 0;
  if (sscanf(at, "rgb(%3d,%4d,%4d)%n", &red, &green, &blue, &length) != 3 || length == 0)
    return 0;
  for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
    if (colours[i].red == red && colours[i].green == green && colours[i].blue == blue) {
      fr__buf_add(out, colours[i].to);
      return (size_t)length;
    }
  return 0;
}

/* Copies one replaced token at `at` and returns its length in the source; 0: none there.
 */
static size_t replaced(const char *at, const char *prefix, fr__buf *out) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (starts(at, names[i].from)) {
      fr__buf_add(out, names[i].to);
      return strlen(names[i].from);
    }
  for (size_t i = 0; i < sizeof identities / sizeof *identities; i++)
    if (starts(at, identities[i])) {
      fr__buf_add(out, prefix);
      fr__buf_add(out, identities[i]);
      return strlen(identities[i]);
    }
  return 0;
}

/* Elements that are of no use in a page: gnuplot's own titles and its description. */
static size_t dropped(const char *at) {
  static const char *const element[][2] = {{"<title>", "</title>"},
                                           {"<desc>", "</desc>"}};
  for (size_t i = 0; i < sizeof element / sizeof *element; i++) {
    const char *end = starts(at, element[i][0]) ? strstr(at, element[i][1]) : NULL;
    if (end != NULL)
      return (size_t)(end - at) + strlen(element[i][1]);
  }
  return 0;
}

/* Only markup is touched: what stands between '>' and '<' is somebody's text. */
static void copy_body(const char *at, const char *prefix, fr__buf *out) {
  bool markup = false;
  while (*at != '\0') {
    size_t n = dropped(at);
    if (n == 0 && *at == '<')
      markup = true;
    if (n == 0 && *at == '>')
      markup = false;
    if (n == 0 && markup && *at == 'r')
      n = replaced_colour(at, out);
    if (n == 0 && markup)
      n = replaced(at, prefix, out);
    if (n == 0) {
      fr__buf_add_bytes(out, at, 1);
      n = 1;
    }
    at += n;
  }
}

char *fr__svg_inline(const char *svg, const char *prefix, const char *title) {
  const char *root = strstr(svg, "<svg");
  const char *box = root == NULL ? NULL : strstr(root, "viewBox=\"");
  const char *end = root == NULL ? NULL : strchr(root, '>');
  if (box == NULL || end == NULL || box > end)
    return NULL;
  const char *box_end = strchr(box + strlen("viewBox=\""), '"');
  if (box_end == NULL || box_end > end)
    return NULL;
  fr__buf out;
  fr__buf_init(&out, 0);
  fr__buf_printf(&out, "<svg role=\"img\" aria-label=\"%s\" %.*s>", title,
                 (int)(box_end + 1 - box), box);
  copy_body(end + 1, prefix, &out);
  char *text = fr__buf_detach(&out);
  fr__buf_release(&out);
  return text;
}
