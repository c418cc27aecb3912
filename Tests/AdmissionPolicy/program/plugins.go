package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	mutatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	validatingpolicy "k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	mutatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/mutating"
	validatingwebhook "k8s.io/apiserver/pkg/admission/plugin/webhook/validating"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/openapi"
	"k8s.io/client-go/openapi/openapitest"
)

// In the order of an API server, which is that of AllOrderedPlugins.
// https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubeapiserver/options/plugins.go
var order = []string{
	mutatingpolicy.PluginName, mutatingwebhook.PluginName, validatingpolicy.PluginName, validatingwebhook.PluginName,
}

// The API server's plugins, on a cluster that does not change.
type plugins struct {
	cluster    *cluster
	chain      chain
	interfaces admission.ObjectInterfaces
}

// All plugins one after another. Those that change objects are called again where another has done so after them, as the
// API server has it.
type chain interface {
	admission.MutationInterface
	admission.ValidationInterface
}

func startPlugins(ctx context.Context, cluster *cluster) (*plugins, error) {
	known := admission.NewPlugins()
	for _, register := range []func(*admission.Plugins){
		mutatingpolicy.Register, mutatingwebhook.Register, validatingpolicy.Register, validatingwebhook.Register,
	} {
		register(known)
	}
	settings, err := admission.ReadAdmissionConfiguration(order, "", nil)
	if err != nil {
		return nil, err
	}
	factory := informers.NewSharedInformerFactory(cluster.client, 0)
	made, err := known.NewFromPlugins(order, settings, initializer.New(
		describedClient{cluster.client}, cluster.dynamic, factory, nobody{}, utilfeature.DefaultFeatureGate,
		compatibility.DefaultBuildEffectiveVersion(), ctx.Done(), cluster.mapper,
	), nil)
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return &plugins{
		cluster: cluster, chain: made.(chain), interfaces: admission.NewObjectInterfacesFromScheme(cluster.scheme),
	}, nil
}

// describedClient also knows the schemas of the few kinds that client-go has test data of, Pod among them. The mutating
// plugin asks for one before it applies anything.
type describedClient struct{ kubernetes.Interface }

func (c describedClient) Discovery() discovery.DiscoveryInterface {
	return describedDiscovery{c.Interface.Discovery()}
}

type describedDiscovery struct{ discovery.DiscoveryInterface }

func (describedDiscovery) OpenAPIV3() openapi.Client { return openapitest.NewEmbeddedFileClient() }

// nobody may do anything.
type nobody struct{}

func (nobody) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionNoOpinion, "", nil
}

// The answer to an AdmissionRequest: an AdmissionResponse, and the object instead of a patch.
type response struct {
	UID      types.UID      `json:"uid,omitempty"`
	Allowed  bool           `json:"allowed"`
	Status   *metav1.Status `json:"status,omitempty"`
	Warnings []string       `json:"warnings,omitempty"`
	Object   runtime.Object `json:"object,omitempty"`
}

// review says what becomes of a request. An error is about the request itself: it cannot be read.
func (p *plugins) review(ctx context.Context, line []byte) (*response, error) {
	var request admissionv1.AdmissionRequest
	if err := json.Unmarshal(line, &request); err != nil {
		return nil, err
	}
	attributes, err := p.attributes(&request)
	if err != nil {
		return nil, err
	}
	answer := &response{UID: request.UID, Object: attributes.GetObject()}
	ctx = warning.WithWarningRecorder(ctx, answer)
	if err = p.admit(ctx, attributes); err == nil {
		err = p.chain.Validate(ctx, attributes, p.interfaces)
	}
	answer.Allowed = err == nil
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		found := status.Status()
		answer.Status = &found
	} else if err != nil {
		answer.Status = &metav1.Status{Message: err.Error()}
	}
	return answer, nil
}

// admit tries again while the policies' plugin, which is the first, does not know the schemas yet: it reads them in the
// background.
func (p *plugins) admit(ctx context.Context, attributes admission.Attributes) (err error) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = p.chain.Admit(ctx, attributes, p.interfaces); !apierrors.IsServiceUnavailable(err) {
			break
		}
	}
	return err
}

func (p *plugins) attributes(request *admissionv1.AdmissionRequest) (admission.Attributes, error) {
	object, err := p.objectOf(request.Object)
	if err != nil {
		return nil, err
	}
	old, err := p.objectOf(request.OldObject)
	if err != nil {
		return nil, err
	}
	return admission.NewAttributesRecord(
		object, old, schema.GroupVersionKind(request.Kind), request.Namespace, request.Name,
		schema.GroupVersionResource(request.Resource), request.SubResource, admission.Operation(request.Operation),
		optionsOf(request.Operation), request.DryRun != nil && *request.DryRun, userOf(request.UserInfo)), nil
}

func (p *plugins) objectOf(content runtime.RawExtension) (runtime.Object, error) {
	if len(content.Raw) == 0 {
		return nil, nil
	}
	return p.cluster.decode(content.Raw)
}

func optionsOf(operation admissionv1.Operation) runtime.Object {
	switch operation {
	case admissionv1.Create:
		return &metav1.CreateOptions{}
	case admissionv1.Update:
		return &metav1.UpdateOptions{}
	case admissionv1.Delete:
		return &metav1.DeleteOptions{}
	default:
		return nil
	}
}

func userOf(info authenticationv1.UserInfo) user.Info {
	extra := map[string][]string{}
	for key, values := range info.Extra {
		extra[key] = values
	}
	return &user.DefaultInfo{Name: info.Username, UID: info.UID, Groups: info.Groups, Extra: extra}
}

// AddWarning takes a warning that a policy or a webhook gives, each once, as the API server does.
// https://pkg.go.dev/k8s.io/apiserver/pkg/warning#Recorder
func (r *response) AddWarning(_, text string) {
	if !slices.Contains(r.Warnings, text) {
		r.Warnings = append(r.Warnings, text)
	}
}
