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
{{- $default := dict "namespaces" (dict "exclude" .Values.webhook.excludedNamespaces) -}}
{{- $own := dig "namespaces" "exclude" nil (deepCopy .Values.config) -}}
{{- if kindIs "invalid" $own -}}
{{- mergeOverwrite (deepCopy .Values.config) $default | toYaml -}}
{{- else -}}
{{- .Values.config | toYaml -}}
{{- end -}}
{{- end }}

{{/* One entry of the registration: (root, name, failure policy, the pods as YAML). */}}
{{- define "lanyard.webhook" -}}
- name: {{ .name }}
  clientConfig:
    service:
      namespace: {{ .root.Release.Namespace }}
      name: lanyard-webhook
      path: /mutate
      port: 443
  rules:
  - apiGroups: [""]
    apiVersions: [v1]
    operations: [CREATE]
    resources: [pods]
    scope: Namespaced
  namespaceSelector:
    matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ .root.Values.webhook.excludedNamespaces | toJson }}
    - key: lanyard.dev/inject
      operator: NotIn
      values: ["false"]
  objectSelector:
    {{- .pods | nindent 4 }}
  failurePolicy: {{ .failurePolicy }}
  reinvocationPolicy: IfNeeded
  matchPolicy: Equivalent
  sideEffects: None
  timeoutSeconds: {{ .root.Values.webhook.timeoutSeconds }}
  admissionReviewVersions: [v1]
{{- end }}
