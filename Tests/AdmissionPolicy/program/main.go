// Evaluates admission policies and calls webhooks with the API server's own plugins, without an API server.
//
// usage: admission-policy FILE... <REQUESTS >RESPONSES
//
// The files, YAML or JSON, hold what a cluster would: MutatingAdmissionPolicies and ValidatingAdmissionPolicies with
// their bindings, MutatingWebhookConfigurations and ValidatingWebhookConfigurations that name their webhooks by URL,
// Namespaces, and the objects that policies take as parameters, with their CustomResourceDefinitions.
// A request is an AdmissionRequest as webhooks get it, one a line. For each there is a line with an AdmissionResponse,
// in which `object` is what the mutating policies and webhooks made of the request's object.
//
// Requests go through the mutating policies, the mutating webhooks, the validating policies and the validating webhooks,
// in this order. What an API server does besides is not done here: it validates policies and webhook configurations as
// they are written, it fills in defaults of objects, and its other plugins have their say. An expression that asks the
// authorizer is told that nothing is allowed.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/klog/v2"
)

// A pod may have 3 MB, and a request holds two.
const longestRequest = 8 << 20

func main() {
	// Errors are still written to standard error.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "admission-policy:", err)
		os.Exit(1)
	}
}

func run(files []string, requests io.Reader, responses io.Writer) error {
	cluster, err := readCluster(files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	plugins, err := startPlugins(ctx, cluster)
	if err != nil {
		return err
	}
	output := bufio.NewWriter(responses)
	defer output.Flush()
	encoder := json.NewEncoder(output)
	lines := bufio.NewScanner(requests)
	lines.Buffer(nil, longestRequest)
	for number := 1; lines.Scan(); number++ {
		response, err := plugins.review(ctx, lines.Bytes())
		if err != nil {
			return fmt.Errorf("request %d: %w", number, err)
		}
		if err := encoder.Encode(response); err != nil {
			return err
		}
	}
	return lines.Err()
}
