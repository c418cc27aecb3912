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
{{- $own := dig "namespaces" "exclude" nil (deepCopy $config) -}}
{{- if kindIs "invalid" $own -}}
{{- mergeOverwrite (deepCopy $config) $default | toYaml -}}
{{- else -}}
{{- $config | toYaml -}}
{{- end -}}
{{- end }}

{{/* Namespaces that the webhooks are not shown, as a list in JSON. */}}
{{- define "lanyard.excludedNamespaces" -}}
{{- (.Values.webhook).excludedNamespaces | default (list "kube-system") | toJson -}}
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

{{/* What a registration says to cert-manager. */}}
{{- define "lanyard.injectCA" -}}
{{- if include "lanyard.issuer" . -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/lanyard-webhook
{{- end -}}
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
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ include "lanyard.excludedNamespaces" .root }}
    - key: lanyard.dev/inject
      operator: NotIn
      values: ["false"]
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
