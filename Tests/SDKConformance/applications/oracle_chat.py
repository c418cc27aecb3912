"""An application that calls Generative AI and asks its SDK for OKE's signer, which no variable can do."""

import json

import oci
from oci.generative_ai_inference import GenerativeAiInferenceClient
from oci.generative_ai_inference.models import ChatDetails, CohereChatRequest, OnDemandServingMode

signer = oci.auth.signers.get_oke_workload_identity_resource_principal_signer()
client = GenerativeAiInferenceClient({}, signer=signer, retry_strategy=oci.retry.NoneRetryStrategy())
reply = client.chat(ChatDetails(
    compartment_id="ocid1.compartment.oc1..conformance", serving_mode=OnDemandServingMode(model_id="command"),
    chat_request=CohereChatRequest(message="Who am I?")))
print(json.dumps({"credential": type(signer).__name__, "answer": reply.data.chat_response.text}))
