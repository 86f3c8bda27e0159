{{- define "modelstream.name" -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "modelstream.account" -}}
{{- .Values.serviceAccount.name | default (include "modelstream.name" .) -}}
{{- end -}}

{{- define "modelstream.selector" -}}
app.kubernetes.io/name: modelstream-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "modelstream.labels" -}}
{{ include "modelstream.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- /* (list root image) → repository:tag, or repository@digest */ -}}
{{- define "modelstream.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- /* The namespaces served, as JSON; empty for the whole cluster. */ -}}
{{- define "modelstream.namespaces" -}}
{{- if eq .Values.scope "Cluster" -}}
[]
{{- else if eq .Values.scope "Namespace" -}}
{{ list .Release.Namespace | toJson }}
{{- else -}}
{{ .Values.namespaces | uniq | toJson }}
{{- end -}}
{{- end -}}

{{- define "modelstream.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 9999
runAsGroup: 9999
fsGroup: 9999
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "modelstream.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* What the operator does in a namespace. No verb on secrets: pods mount them, the kubelet reads
them. get and update of ConfigMaps are there to be given on, to the JobManagers that keep their high
availability in them: Kubernetes lets nobody give what he has not. A test compares these rules with
what the API server noted of a whole life; nothing that is only watched needs get. */ -}}
{{- define "modelstream.rules" -}}
- apiGroups: [modelstream.dev]
  resources: [modelstreams]
  verbs: [list, watch, patch]
- apiGroups: [modelstream.dev]
  resources: [modelstreams/status]
  verbs: [patch]
- apiGroups: [modelstream.dev]
  resources: [modelstreams/finalizers]
  verbs: [update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch, create, update, patch, delete]
- apiGroups: [""]
  resources: [services, serviceaccounts]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods, persistentvolumeclaims]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create]
{{- end -}}
