package main

import (
	"context"
	"encoding/json"
	"errors"
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
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
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

// The API server's plugins, on a cluster that does not change.
type plugins struct {
	cluster    *cluster
	mutating   *mutating.Plugin
	validating *validating.Plugin
	interfaces admission.ObjectInterfaces
}

func startPlugins(ctx context.Context, cluster *cluster) (*plugins, error) {
	result := &plugins{cluster: cluster, interfaces: admission.NewObjectInterfacesFromScheme(cluster.scheme)}
	var err error
	if result.mutating, err = mutating.NewPlugin(nil); err != nil {
		return nil, err
	}
	if result.validating, err = validating.NewPlugin(nil); err != nil {
		return nil, err
	}
	// Each plugin has its own informers of parameters.
	for _, plugin := range []admission.Interface{result.mutating, result.validating} {
		factory := informers.NewSharedInformerFactory(cluster.client, 0)
		initializer.New(
			describedClient{cluster.client}, cluster.dynamic, factory, nobody{}, utilfeature.DefaultFeatureGate,
			compatibility.DefaultBuildEffectiveVersion(), ctx.Done(), cluster.mapper,
		).Initialize(plugin)
		if err := admission.ValidateInitialization(plugin); err != nil {
			return nil, err
		}
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
	}
	return result, nil
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
		err = p.validating.Validate(ctx, attributes, p.interfaces)
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

// admit tries again while the mutating plugin does not know the schemas yet: it reads them in the background.
func (p *plugins) admit(ctx context.Context, attributes admission.Attributes) (err error) {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = p.mutating.Admit(ctx, attributes, p.interfaces); !apierrors.IsServiceUnavailable(err) {
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

// AddWarning takes a warning that a policy gives. https://pkg.go.dev/k8s.io/apiserver/pkg/warning#Recorder
func (r *response) AddWarning(_, text string) { r.Warnings = append(r.Warnings, text) }
