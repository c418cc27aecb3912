public import AdmissionWebhook
public import PodInjection

extension PodManifest: ReviewedObject {}
extension WorkloadManifest: ReviewedObject {}
