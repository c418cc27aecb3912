package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	registration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/meta/testrestmapper"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	yamlutil "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	kubernetesscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// What the plugins see of a cluster.
type cluster struct {
	scheme  *runtime.Scheme
	decoder runtime.Decoder
	mapper  meta.RESTMapper
	client  kubernetes.Interface
	dynamic dynamic.Interface
}

func readCluster(files []string) (*cluster, error) {
	scheme := runtime.NewScheme()
	if err := kubernetesscheme.AddToScheme(scheme); err != nil {
		return nil, err
	}
	if err := convertToItself(scheme); err != nil {
		return nil, err
	}
	result := &cluster{
		scheme: scheme,
		// A field that Kubernetes does not know is an error.
		decoder: serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer(),
	}
	var native []runtime.Object
	var custom []*unstructured.Unstructured
	for _, file := range files {
		documents, err := documentsOf(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, document := range documents {
			object, err := result.decode(document)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if item, ok := object.(*unstructured.Unstructured); ok {
				custom = append(custom, item)
			} else {
				setDefaults(object)
				native = append(native, object)
			}
		}
	}
	definitions, listKinds := meta.NewDefaultRESTMapper(nil), map[schema.GroupVersionResource]string{}
	var parameters []*unstructured.Unstructured
	for _, item := range custom {
		if item.GetKind() != "CustomResourceDefinition" {
			parameters = append(parameters, item)
		} else if err := define(item, definitions, listKinds); err != nil {
			return nil, err
		}
	}
	result.mapper = meta.FirstHitRESTMapper{
		MultiRESTMapper: meta.MultiRESTMapper{definitions, testrestmapper.TestOnlyStaticRESTMapper(scheme)},
	}
	result.client = fake.NewClientset(native...)
	// Parameters are known by their definitions alone, and never by a Go type.
	result.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), listKinds)
	for _, parameter := range parameters {
		if err := result.create(parameter); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// create puts an object to the others of its kind, whose plural only its definition knows.
func (c *cluster) create(item *unstructured.Unstructured) error {
	kind := item.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	_, err = c.dynamic.Resource(mapping.Resource).Namespace(item.GetNamespace()).Create(
		context.Background(), item, metav1.CreateOptions{})
	return err
}

// In an API server plugins see objects of internal types, which convert to each version. Here there is the version
// alone, and the mutating plugin still asks for a conversion.
func convertToItself(scheme *runtime.Scheme) error {
	for _, kind := range scheme.AllKnownTypes() {
		example := reflect.New(kind).Interface()
		err := scheme.AddConversionFunc(example, example, func(from, to any, _ conversion.Scope) error {
			reflect.ValueOf(to).Elem().Set(reflect.ValueOf(from).Elem())
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func documentsOf(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var found [][]byte
	reader := yamlutil.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := yaml.YAMLToJSONStrict(document)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(content, []byte("null")) {
			found = append(found, content)
		}
	}
}

// decode reads JSON as the type that Kubernetes has for it. What it has none for stays as it is.
func (c *cluster) decode(content []byte) (runtime.Object, error) {
	object, _, err := c.decoder.Decode(content, nil, nil)
	if runtime.IsNotRegisteredError(err) {
		object = &unstructured.Unstructured{}
		err = object.(*unstructured.Unstructured).UnmarshalJSON(content)
	}
	return object, err
}

// define makes the kinds of a CustomResourceDefinition known.
func define(
	item *unstructured.Unstructured, mapper *meta.DefaultRESTMapper, listKinds map[schema.GroupVersionResource]string,
) error {
	text := func(fields ...string) string {
		value, _, _ := unstructured.NestedString(item.Object, append([]string{"spec"}, fields...)...)
		return value
	}
	var scope meta.RESTScope = meta.RESTScopeNamespace
	if text("scope") == "Cluster" {
		scope = meta.RESTScopeRoot
	}
	versions, _, err := unstructured.NestedSlice(item.Object, "spec", "versions")
	if err != nil {
		return err
	}
	for _, version := range versions {
		fields, _ := version.(map[string]any)
		name, _ := fields["name"].(string)
		group := schema.GroupVersion{Group: text("group"), Version: name}
		plural, singular := group.WithResource(text("names", "plural")), group.WithResource(text("names", "singular"))
		mapper.AddSpecific(group.WithKind(text("names", "kind")), plural, singular, scope)
		listKinds[plural] = text("names", "kind") + "List"
	}
	return nil
}

// setDefaults fills in what an API server does as a policy or a webhook configuration is written. The plugins take it for
// granted: a selector that is missing would match nothing.
// https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/validating-admission-policy-v1/
func setDefaults(object runtime.Object) {
	switch item := object.(type) {
	case *registration.ValidatingAdmissionPolicy:
		setIfAbsent(&item.Spec.FailurePolicy, registration.Fail)
		setDefaultsOfMatch(item.Spec.MatchConstraints)
	case *registration.ValidatingAdmissionPolicyBinding:
		setDefaultsOfMatch(item.Spec.MatchResources)
	case *registration.MutatingAdmissionPolicy:
		setIfAbsent(&item.Spec.FailurePolicy, registration.Fail)
		setDefaultsOfMatch(item.Spec.MatchConstraints)
	case *registration.MutatingAdmissionPolicyBinding:
		setDefaultsOfMatch(item.Spec.MatchResources)
	case *registration.MutatingWebhookConfiguration:
		for index := range item.Webhooks {
			hook := &item.Webhooks[index]
			setIfAbsent(&hook.ReinvocationPolicy, registration.NeverReinvocationPolicy)
			setDefaultsOfWebhook(
				&hook.FailurePolicy, &hook.MatchPolicy, &hook.NamespaceSelector, &hook.ObjectSelector, &hook.TimeoutSeconds,
				hook.Rules)
		}
	case *registration.ValidatingWebhookConfiguration:
		for index := range item.Webhooks {
			hook := &item.Webhooks[index]
			setDefaultsOfWebhook(
				&hook.FailurePolicy, &hook.MatchPolicy, &hook.NamespaceSelector, &hook.ObjectSelector, &hook.TimeoutSeconds,
				hook.Rules)
		}
	}
}

func setDefaultsOfWebhook(
	failure **registration.FailurePolicyType, match **registration.MatchPolicyType, namespaces, objects **metav1.LabelSelector,
	timeout **int32, rules []registration.RuleWithOperations,
) {
	setIfAbsent(failure, registration.Fail)
	setIfAbsent(match, registration.Equivalent)
	setIfAbsent(namespaces, metav1.LabelSelector{})
	setIfAbsent(objects, metav1.LabelSelector{})
	setIfAbsent(timeout, 10)
	for index := range rules {
		setIfAbsent(&rules[index].Scope, registration.AllScopes)
	}
}

func setDefaultsOfMatch(match *registration.MatchResources) {
	if match == nil {
		return
	}
	setIfAbsent(&match.MatchPolicy, registration.Equivalent)
	setIfAbsent(&match.NamespaceSelector, metav1.LabelSelector{})
	setIfAbsent(&match.ObjectSelector, metav1.LabelSelector{})
	for _, rules := range [][]registration.NamedRuleWithOperations{match.ResourceRules, match.ExcludeResourceRules} {
		for index := range rules {
			setIfAbsent(&rules[index].Scope, registration.AllScopes)
		}
	}
}

func setIfAbsent[Value any](place **Value, value Value) {
	if *place == nil {
		*place = &value
	}
}
