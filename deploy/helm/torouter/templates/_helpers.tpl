{{/* Names, labels and the parts that every pod has. */}}

{{- define "torouter.labels" -}}
app.kubernetes.io/name: torouter
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "torouter.metadataLabels" -}}
{{ include "torouter.labels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Of what the Prometheus operator reads, which finds it by labels of its own. */}}
{{- define "torouter.monitorLabels" -}}
{{ include "torouter.metadataLabels" . }}
{{- with .root.Values.metrics.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An expert's name may hold an underscore, which Kubernetes doesn't allow. Two that then are one are refused. */}}
{{- define "torouter.expertName" -}}
{{ printf "%s-expert-%s" .root.Release.Name (.expert.name | replace "_" "-") | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* A value as TOML: as JSON, but for objects. toToml would make whole numbers fractions. */}}
{{- define "torouter.toml" -}}
{{- if kindIs "map" . -}}
{{- $pairs := list }}
{{- range $key, $value := . }}
{{- $pairs = append $pairs (printf "%s = %s" (toJson $key) (include "torouter.toml" $value)) }}
{{- end -}}
{ {{ join ", " $pairs }} }
{{- else if kindIs "slice" . -}}
{{- $items := list }}
{{- range . }}
{{- $items = append $items (include "torouter.toml" .) }}
{{- end -}}
[{{ join ", " $items }}]
{{- else -}}
{{ toJson . }}
{{- end -}}
{{- end }}

{{- define "torouter.component" -}}
{{ printf "expert-%s" . | trimAll "-_" }}
{{- end }}

{{- define "torouter.serviceAccount" -}}
{{ .Values.serviceAccount.name | default .Release.Name }}
{{- end }}

{{/* A value, as a string. By JSON, since a large whole number of a values file would be printed as 5e+06. */}}
{{- define "torouter.value" -}}
{{ ternary . (toJson .) (kindIs "string" .) | quote }}
{{- end }}

{{/* What every process is told; passwords are files. */}}
{{- define "torouter.env" -}}
- {name: TOROUTER_SECRETS_DIR, value: /run/secrets/torouter}
- {name: TOROUTER_FILES_URL, value: {{ .root.Values.files.url | quote }}}
- {name: TOROUTER_DRAIN_S, value: {{ include "torouter.value" .root.Values.drainSeconds }}}
- {name: TOROUTER_METRICS_PORT, value: {{ include "torouter.value" .root.Values.metrics.port }}}
- {name: TOROUTER_METRICS_HOST, value: 0.0.0.0}
{{- range $name, $value := .root.Values.settings }}
- {name: {{ printf "TOROUTER_%s" (upper $name) }}, value: {{ include "torouter.value" $value }}}
{{- end }}
{{- with .root.Values.env }}
{{ toYaml . }}
{{- end }}
{{- with .root.Values.files.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "torouter.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "torouter.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "torouter.mounts" -}}
- {name: secrets, mountPath: /run/secrets/torouter, readOnly: true}
- {name: tmp, mountPath: /tmp}
- {name: run, mountPath: /var/lib/torouter/run}
- {name: cache, mountPath: /var/lib/torouter/cache}
{{- if .root.Values.files.claim }}
- {name: files, mountPath: /var/lib/torouter/files}
{{- end }}
{{- end }}

{{/* `cache`: weights are worth a claim, what the others keep is not. */}}
{{- define "torouter.volumes" -}}
- name: secrets
  secret: {secretName: {{ .root.Values.secret }}, defaultMode: 0440}
- {name: tmp, emptyDir: {}}
- {name: run, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
{{- $cache := .root.Values.cache }}
{{- if and .weights (or $cache.claim $cache.size) }}
- name: cache
  persistentVolumeClaim: {claimName: {{ $cache.claim | default (printf "%s-cache" .root.Release.Name) }}}
{{- else }}
- {name: cache, emptyDir: {}}
{{- end }}
{{- with .root.Values.files.claim }}
- name: files
  persistentVolumeClaim: {claimName: {{ . }}}
{{- end }}
{{- end }}

{{/* A pod template. Takes root, component, image, args, resources; of an expert also expert and weights. */}}
{{- define "torouter.pod" -}}
{{- $values := .root.Values }}
{{- $expert := .expert | default dict }}
{{- $annotations := $values.podAnnotations }}
{{- with $expert.catalogue }}
{{/* A worker reads its entry once: another entry, other pods. */}}
{{- $annotations = merge (dict "torouter/entry" (toJson . | sha256sum)) $annotations }}
{{- end -}}
metadata:
  labels:
    {{- include "torouter.labels" . | nindent 4 }}
    {{- with $expert.name }}
    torouter/expert: {{ . }}
    {{- end }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "torouter.serviceAccount" .root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add $values.drainSeconds 30 }}
  securityContext:
    {{- include "torouter.podSecurity" . | nindent 4 }}
  {{- with $values.images.pullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  containers:
    # Its command is PID 1: an engine ends with its worker.
    - name: torouter
      image: {{ .image }}
      imagePullPolicy: {{ $values.images.pullPolicy }}
      args: {{ toJson .args }}
      env:
        {{- include "torouter.env" . | nindent 8 }}
        {{- with .env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
        {{- with $expert.env }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .ports }}
      ports:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .probes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
      {{- $resources := deepCopy (.resources | default dict) }}
      {{- if $expert.gpus }}
      {{- $limits := merge (dict "nvidia.com/gpu" $expert.gpus) ($resources.limits | default dict) }}
      {{- $_ := set $resources "limits" $limits }}
      {{- end }}
      resources:
        {{- toYaml $resources | nindent 8 }}
      securityContext:
        {{- include "torouter.containerSecurity" . | nindent 8 }}
      volumeMounts:
        {{- include "torouter.mounts" . | nindent 8 }}
        {{- if .weights }}
        - {name: shm, mountPath: /dev/shm}
        {{- end }}
  volumes:
    {{- include "torouter.volumes" . | nindent 4 }}
    {{- if .weights }}
    # GPUs that share a model talk through it.
    - {name: shm, emptyDir: {medium: Memory, sizeLimit: 8Gi}}
    {{- end }}
  {{- with merge (dict) ($expert.nodeSelector | default dict) $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat ($expert.tolerations | default list) $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "torouter.labels" . | nindent 10 }}
{{- end }}

{{/* Of a worker: a file says that it consumes. No liveness probe: whatever can't go on ends by itself, and a broker or a
database that is away is no reason to load an engine again. */}}
{{- define "torouter.workerProbes" -}}
startupProbe:
  exec: {command: [test, -f, /var/lib/torouter/run/{{ .ready }}.ready]}
  periodSeconds: 5
  failureThreshold: {{ .failures }}
readinessProbe:
  exec: {command: [test, -f, /var/lib/torouter/run/{{ .ready }}.ready]}
  periodSeconds: 10
{{- end }}
