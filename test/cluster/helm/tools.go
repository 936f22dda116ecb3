// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package helm names the program, so that go.mod and go.sum hold what it needs.
package helm

import _ "helm.sh/helm/v3/cmd/helm"
