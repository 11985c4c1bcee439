/* SPDX-License-Identifier: Apache-2.0 */
/* examples/demo.yaml and examples/demo-synthetic.yaml, compiled in by
 * src/cli/meson.build. */
#ifndef FR_CLI_DEMO_STUDIES_H
#define FR_CLI_DEMO_STUDIES_H

extern const char cli_demo_real[];
extern const char cli_demo_synthetic[];

#endif
