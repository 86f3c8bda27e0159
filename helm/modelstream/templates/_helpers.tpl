{{- define "modelstream.short" -}}
{{- .Values.nameOverride | default .Chart.Name -}}
{{- end -}}

{{- define "modelstream.name" -}}
{{- $short := include "modelstream.short" . -}}
{{- $long := ternary .Release.Name (printf "%s-%s" .Release.Name $short) (contains $short .Release.Name) -}}
{{- .Values.fullnameOverride | default $long | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- /* Of what no namespace holds: two releases of one name in two namespaces do not meet. */ -}}
{{- define "modelstream.clusterName" -}}
{{ .Release.Namespace }}:{{ include "modelstream.name" . }}
{{- end -}}

{{- define "modelstream.account" -}}
{{- .Values.serviceAccount.name | default (include "modelstream.name" .) -}}
{{- end -}}

{{- define "modelstream.selector" -}}
app.kubernetes.io/name: {{ include "modelstream.short" . }}-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "modelstream.labels" -}}
{{- $ours := include "modelstream.selector" . | fromYaml -}}
{{- $_ := set $ours "app.kubernetes.io/version" .Chart.AppVersion -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" .Release.Service -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version) -}}
{{- merge $ours .Values.commonLabels | toYaml -}}
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

{{- /* Where no ModelStream may be left, as JSON: what is served, and all where the definition goes. */ -}}
{{- define "modelstream.uninstallNamespaces" -}}
{{- if eq (include "modelstream.definitionGoes" .) "true" -}}
[]
{{- else -}}
{{ include "modelstream.namespaces" . }}
{{- end -}}
{{- end -}}

{{- define "modelstream.definitionGoes" -}}
{{ and .Values.crd.install (not .Values.crd.keep) }}
{{- end -}}

{{- define "modelstream.podSecurityContext" -}}
{{- $ours := dict "runAsNonRoot" true "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- with .Values.user -}}
{{- $ours = merge $ours (dict "runAsUser" . "runAsGroup" . "fsGroup" .) -}}
{{- end -}}
{{- mergeOverwrite $ours .Values.podSecurityContext | toYaml -}}
{{- end -}}

{{- define "modelstream.securityContext" -}}
{{- $drop := dict "drop" (list "ALL") -}}
{{- $ours := dict "allowPrivilegeEscalation" false "readOnlyRootFilesystem" true "capabilities" $drop -}}
{{- mergeOverwrite $ours .Values.securityContext | toYaml -}}
{{- end -}}

{{- /* Where the chart's pods run, and who pulls their image. */ -}}
{{- define "modelstream.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* What the operator does in a namespace. No verb on secrets: pods mount them, the kubelet reads
them. get and update of ConfigMaps are there to be given on, to the JobManagers that keep their high
availability in them: Kubernetes lets nobody give what he has not. A test compares these rules with
what the API server noted of a whole life; nothing that is only watched needs get. */ -}}
{{- define "modelstream.rules" -}}
- apiGroups: [modelstream.dev]
  resources: [modelstreams]
  verbs: [get, list, watch, patch]
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
  resources: [deployments, controllerrevisions]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [persistentvolumeclaims]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch, create, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [list, watch, create]
{{- end -}}

{{- /* The Lease of a namespace that is served by a list, or with its name that of the whole cluster. */ -}}
{{- define "modelstream.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ . }}]
  verbs: [get, update]
{{- end -}}

{{- /* What it reads beyond the namespaces that it serves, by what it is for. */ -}}
{{- define "modelstream.clusterRules" -}}
{{- if eq .Values.scope "Cluster" }}
leases:
  - apiGroups: [coordination.k8s.io]
    resources: [leases]
    resourceNames: [modelstream-operator]
    verbs: [list, watch]
{{- end }}
{{- if .Values.nodes }}
nodes:
  - apiGroups: [""]
    resources: [nodes]
    verbs: [list, watch]
{{- end }}
{{- if and .Values.uninstall.refuse (ne .Values.scope "Cluster") (eq (include "modelstream.definitionGoes" .) "true") }}
uninstall:
  - apiGroups: [modelstream.dev]
    resources: [modelstreams]
    verbs: [list]
{{- end }}
{{- end -}}
