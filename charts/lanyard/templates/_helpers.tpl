{{/* By this label the objects belong together. Selectors have it alone, since they cannot be changed later. */}}
{{- define "lanyard.selector" -}}
app.kubernetes.io/name: lanyard
{{- end }}

{{- define "lanyard.labels" -}}
{{ include "lanyard.selector" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* The configuration file. What the webhook is not shown is excluded here too, and so is not reported as missed. */}}
{{- define "lanyard.config" -}}
{{- $config := .Values.config | default dict -}}
{{- $default := dict "namespaces" (dict "exclude" (include "lanyard.excludedNamespaces" . | fromJsonArray)) -}}
{{- if (.Values.healing).enabled -}}
{{- $config = mergeOverwrite (deepCopy $config) (dict "healing" (dict "enabled" true)) -}}
{{- end -}}
{{- if include "lanyard.policy" . -}}
{{- $config = mergeOverwrite (deepCopy $config) (dict "injection" (dict "policy" true)) -}}
{{- end -}}
{{- with (.Values.verify).scheduled -}}
{{- $config = mergeOverwrite (deepCopy $config) (dict "verify" (dict "scheduled" .)) -}}
{{- end -}}
{{- with (.Values.verify).inPods -}}
{{- if .enabled -}}
{{- $inPods := dict "image" (.image | default (include "lanyard.image" $)) "imagePullSecret" (.imagePullSecret | default "") -}}
{{- $config = mergeOverwrite (deepCopy $config) (dict "verify" $inPods) -}}
{{- end -}}
{{- end -}}
{{- if kindIs "invalid" ($config.namespaces).exclude -}}
{{- mergeOverwrite (deepCopy $config) $default | toYaml -}}
{{- else -}}
{{- $config | toYaml -}}
{{- end -}}
{{- end }}

{{/* Namespaces that the webhooks are not shown, as a list in JSON. */}}
{{- define "lanyard.excludedNamespaces" -}}
{{- (.Values.webhook).excludedNamespaces | default (list "kube-system") | toJson -}}
{{- end }}

{{/* Namespaces whose pods and other objects the webhooks and the guard see. */}}
{{- define "lanyard.namespaceSelector" -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values: {{ include "lanyard.excludedNamespaces" . }}
- key: lanyard.dev/inject
  operator: NotIn
  values: ["false"]
{{- end }}

{{/* Whether the API server itself guards pods that require injection: not nothing, if so. Helm without a cluster knows
of no kind whether it is served. */}}
{{- define "lanyard.guard" -}}
{{- $enabled := toString (.Values.guard).enabled -}}
{{- $kind := "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy" -}}
{{- if or (eq $enabled "true") (and (ne $enabled "false") (.Capabilities.APIVersions.Has $kind)) -}}
true
{{- end -}}
{{- end }}

{{/* The metadata of the guard's two objects. */}}
{{- define "lanyard.guardMetadata" -}}
name: required-pods.lanyard.dev
labels:
  {{- include "lanyard.labels" . | nindent 2 }}
{{- if (.Values.guard).keep }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}

{{/* A match condition of the guard's policies. */}}
{{- define "lanyard.notMirrored" -}}
# A static pod that a node shows to the API server. The webhook leaves it alone, and it runs in any case.
- name: not-a-mirror-pod-of-a-node
  expression: >-
    !(has(request.userInfo.groups) && "system:nodes" in request.userInfo.groups
    && has(object.metadata.annotations) && "kubernetes.io/config.mirror" in object.metadata.annotations)
{{- end }}

{{/* Whether pods that require injection, and were injected by the API server itself, need no replica: not nothing, if so. It
takes the guard to see that they have what they say. */}}
{{- define "lanyard.guardedPolicy" -}}
{{- if and (include "lanyard.guard" .) (include "lanyard.policy" .) -}}
true
{{- end -}}
{{- end }}

{{/* Those pods, as an object selector. */}}
{{- define "lanyard.injectedByPolicy" -}}
matchLabels:
  lanyard.dev/inject: required
matchExpressions:
- key: lanyard.dev/injected-by
  operator: Exists
{{- end }}

{{/* Whether the API server itself injects: not nothing, if so. It takes a server that has both kinds of policy, and the
definition of what they read, which `helm upgrade` does not install. */}}
{{- define "lanyard.policy" -}}
{{- $enabled := toString (.Values.injection).policy -}}
{{- $versions := .Capabilities.APIVersions -}}
{{- $isServed := and ($versions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")
  ($versions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")
  ($versions.Has "lanyard.dev/v1alpha1/CredentialPlanSet") -}}
{{- /* YAML reads on as true. */ -}}
{{- if or (has $enabled (list "on" "true")) (and (eq $enabled "auto") $isServed) -}}
true
{{- end -}}
{{- end }}

{{/* The audiences for which the operator may make tokens, but for the names of Google's providers: a list in JSON. */}}
{{- define "lanyard.audiences" -}}
{{- $config := .Values.config | default dict -}}
{{- $audiences := list "api://AzureADTokenExchange" "iam" "sts.aliyuncs.com"
  (($config.aws).audience | default "sts.amazonaws.com")
  (($config.openai).audience | default "https://api.openai.com/v1")
  (($config.anthropic).audience | default "https://api.anthropic.com")
  ($config.gcp).audience ($config.vault).audience -}}
{{- concat $audiences ((.Values.verify).audiences | default list) | compact | uniq | sortAlpha | toJson -}}
{{- end }}

{{/* Annotations that may change a pod's plan, as a regular expression for an admission policy. */}}
{{- define "lanyard.keysThatMatter" -}}
"^(lanyard\\.dev|eks\\.amazonaws\\.com|azure\\.workload\\.identity|iam\\.gke\\.io|cloud\\.google\\.com|pod-identity\\.alibabacloud\\.com|vault\\.hashicorp\\.com|openbao\\.org)/"
{{- end }}

{{/* By its digest, if there is one: what a tag means may change. */}}
{{- define "lanyard.image" -}}
{{- $image := .Values.image | default dict -}}
{{- $repository := $image.repository | default "lanyard" -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* Who issues the webhook's certificate, as YAML; nothing if Lanyard makes it itself. */}}
{{- define "lanyard.issuer" -}}
{{- with (.Values.webhook).certManager -}}
{{- if .enabled -}}
{{- toYaml .issuerRef -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* The annotations of a webhook configuration, and what it says to cert-manager; as YAML, or nothing. */}}
{{- define "lanyard.registrationAnnotations" -}}
{{- $annotations := deepCopy ((.Values.webhook).annotations | default dict) -}}
{{- if include "lanyard.issuer" . -}}
{{- $_ := set $annotations "cert-manager.io/inject-ca-from" (printf "%s/lanyard-webhook" .Release.Namespace) -}}
{{- end -}}
{{- with $annotations }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* The ports in the pods. Services keep theirs. */}}
{{- define "lanyard.webhookPort" -}}
{{- (.Values.webhook).port | default 8443 | int -}}
{{- end }}

{{- define "lanyard.metricsPort" -}}
{{- (.Values.metrics).port | default 8080 | int -}}
{{- end }}

{{/* How many pods an update adds and takes away. On the nodes' network one more might find no free ports. */}}
{{- define "lanyard.rollingUpdate" -}}
{{- if .Values.rollingUpdate -}}
{{- toYaml .Values.rollingUpdate -}}
{{- else if .Values.hostNetwork -}}
maxSurge: 0
maxUnavailable: 1
{{- else -}}
maxSurge: 1
maxUnavailable: 0
{{- end -}}
{{- end }}

{{/* The constraints as YAML, or nothing. One without a selector is about the replicas; from Kubernetes 1.27, about
those of one revision, since an update's old pods are about to go. */}}
{{- define "lanyard.topologySpreadConstraints" -}}
{{- $selector := dict "labelSelector" (dict "matchLabels" (include "lanyard.selector" . | fromYaml)) -}}
{{- if semverCompare ">=1.27-0" .Capabilities.KubeVersion.Version -}}
{{- $_ := set $selector "matchLabelKeys" (list "pod-template-hash") -}}
{{- end -}}
{{- $constraints := list -}}
{{- range .Values.topologySpreadConstraints -}}
{{- $constraints = append $constraints (hasKey . "labelSelector" | ternary . (merge (deepCopy .) $selector)) -}}
{{- end -}}
{{- with $constraints }}{{ toYaml . }}{{ end -}}
{{- end }}

{{/* A Service's address families, as a line of YAML or nothing. */}}
{{- define "lanyard.ipFamilyPolicy" -}}
{{- $policy := (.Values.service).ipFamilyPolicy }}
{{- if kindIs "invalid" $policy }}{{ $policy = "PreferDualStack" }}{{ end }}
{{- if and $policy (semverCompare ">=1.23-0" .Capabilities.KubeVersion.Version) }}
  ipFamilyPolicy: {{ $policy }}
{{- end }}
{{- end }}

{{/* One entry of a registration: (root, name, path, failure policy, the rules as YAML, the objects as YAML or nothing). */}}
{{- define "lanyard.webhook" -}}
- name: {{ .name }}
  clientConfig:
    service:
      namespace: {{ .root.Release.Namespace }}
      name: lanyard-webhook
      path: {{ .path }}
      port: 443
  rules:
  {{- .rules | nindent 2 }}
  namespaceSelector:
    {{- include "lanyard.namespaceSelector" .root | nindent 4 }}
  {{- with .objects }}
  objectSelector:
    {{- . | nindent 4 }}
  {{- end }}
  failurePolicy: {{ .failurePolicy }}
  matchPolicy: Equivalent
  sideEffects: None
  timeoutSeconds: {{ (.root.Values.webhook).timeoutSeconds | default 5 }}
  admissionReviewVersions: [v1]
{{- end }}

{{/* One rule of a registration: (API group, versions, operations, resources). */}}
{{- define "lanyard.rule" -}}
- apiGroups: [{{ .group | quote }}]
  apiVersions: {{ .versions | toJson }}
  operations: {{ .operations | toJson }}
  resources: {{ .resources | toJson }}
  scope: Namespaced
{{- end }}

{{/* Whether a Job cleans up after an uninstall: not nothing, unless it is switched off. */}}
{{- define "lanyard.cleanUp" -}}
{{- if ne (toString (.Values.cleanUp).enabled) "false" -}}
true
{{- end -}}
{{- end }}

{{/* Labels of what cleans up after an uninstall: not those of the operator. */}}
{{- define "lanyard.cleanUpLabels" -}}
{{ include "lanyard.labels" . | replace "app.kubernetes.io/name: lanyard" "app.kubernetes.io/name: lanyard-clean-up" }}
{{- end }}

{{/* What tells Helm when to make an object of the clean-up, in an order, and to remove it again. */}}
{{- define "lanyard.cleanUpHook" -}}
helm.sh/hook: post-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}
