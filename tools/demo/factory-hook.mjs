// A pre-provisioning hook exactly as one would write it for AWS Lambda: the event comes in, the decision goes out.
// It knows which serial numbers the factory has made, and tells the device which site it belongs to.
const MADE = /^CAM-\d{4}$/;

export const handler = async (event) => {
  const serial = event.parameters.SerialNumber;
  if (!MADE.test(serial)) {
    return { allowProvisioning: false, reason: `Serial number ${serial} was never made in this factory.` };
  }
  return { allowProvisioning: true, parameterOverrides: { Site: "Berlin-7" } };
};
